"""How well a text fits a name, a display name or a path."""

import pytest

from nexus_gql.hierarchy import Fit, best_fit


@pytest.mark.parametrize(
    ("text", "names", "fit"),
    [
        ("churn", ("churn", "Churn", "or/local/models/churn"), (Fit.EXACT, 0)),
        ("churn", ("churn-api", "churn-api", "or/local/models/churn-api"), (Fit.PREFIX, 0)),
        ("churn", ("x", "Churn of customers", "or/local/models/x"), (Fit.PREFIX, 1)),
        ("churn", ("my-churn", "my-churn", "or/local/models/my-churn"), (Fit.WORD, 0)),
        ("churn", ("x", "My churn", "or/local/models/x"), (Fit.WORD, 1)),
        ("hur", ("churn", "churn", "or/local/models/churn"), (Fit.SUBSTRING, 0)),
        ("or/local", ("local", "local", "or/local"), (Fit.EXACT, 2)),
        ("or/lo", ("models", "models", "or/local/models"), (Fit.PREFIX, 2)),
        ("models", ("churn", "churn", "or/local/models/churn"), (Fit.WORD, 2)),
        ("or", ("churn", "churn", "or/local/models/churn"), (Fit.WORD, 2)),
        ("größe", ("x", "GRÖSSE", "or/x"), None),
        ("grösse", ("x", "GRÖSSE", "or/x"), (Fit.EXACT, 1)),
        ("churn", ("x", "Customer_churn", "or/x"), (Fit.WORD, 1)),
        ("2", ("v1-2", "v1-2", "or/v1-2"), (Fit.WORD, 0)),
        ("fraud", ("churn", "churn", "or/local/models/churn"), None),
        ("-", ("a-b", "a-b", "or/a-b"), (Fit.SUBSTRING, 0)),
    ],
)
def test_the_best_of_three_names_should_count(
    text: str, names: tuple[str, str, str], fit: tuple[Fit, int] | None
) -> None:
    assert best_fit(text, *names) == fit


def test_a_fit_should_be_better_the_more_of_the_name_it_is() -> None:
    assert sorted([Fit.SUBSTRING, Fit.EXACT, Fit.WORD, Fit.PREFIX]) == [
        Fit.EXACT,
        Fit.PREFIX,
        Fit.WORD,
        Fit.SUBSTRING,
    ]
