"""The GraphiQL page, which `scripts/web` builds from web/: everything in it is served from here."""

from pathlib import Path

from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

BUILT = Path(__file__).parent / "web"


def built() -> bool:
    """Whether `scripts/web` has made the page."""
    return (BUILT / "graphiql.html").is_file()


def page(folder: Path) -> Response:
    """The page, or how to get it. It asks for its assets relative to itself, so it may stand at any path beside `assets`."""
    document = folder / "graphiql.html"
    if not document.is_file():
        return PlainTextResponse("The GraphiQL page is not built: run scripts/web.", 503)
    return FileResponse(document, media_type="text/html", headers={"cache-control": "no-cache"})


class Assets:
    """Scripts, styles and fonts of the page. Their names change with their content, so browsers keep them."""

    def __init__(self, folder: Path) -> None:
        self._files = StaticFiles(directory=folder / "assets", check_dir=False)
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for one of them."""
        if not (self._folder / "assets").is_dir():
            await page(self._folder)(scope, receive, send)
            return
        response = await self._files.get_response(self._files.get_path(scope), scope)
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        await response(scope, receive, send)
