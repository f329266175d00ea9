"""The room's list of names is what it exports, and what it promises not to import it does not."""

import subprocess
import sys

from nexus_gql import server


def test_the_list_should_name_what_others_may_use() -> None:
    public = {name for name, value in vars(server).items() if not name.startswith("_") and type(value) is not type(sys)}
    assert sorted(server.__all__) == sorted(public)


def test_importing_it_should_not_bring_in_clusters_or_the_configuration() -> None:
    code = "import sys, nexus_gql.server; print([m for m in sys.modules if m.split('.')[0] in ('kubernetes_asyncio', 'aiodocker') or m == 'nexus_gql.configuration'])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
