"""Pictures of pages for the README and the docs, taken where a folder is named."""

import base64
from pathlib import Path
from typing import Final

import pytest

from tests.web.browsing import Watched

WIDE: Final = 1200
PHONE: Final = 390

_AS_WEBP: Final = """async png => {
  const blob = await (await fetch("data:image/png;base64," + png)).blob();
  const drawn = await createImageBitmap(blob);
  const paper = new OffscreenCanvas(drawn.width, drawn.height);
  paper.getContext("2d").drawImage(drawn, 0, 0);
  const webp = await paper.convertToBlob({ type: "image/webp", quality: 0.85 });
  let text = "";
  for (const byte of new Uint8Array(await webp.arrayBuffer()))
    text += String.fromCharCode(byte);
  return btoa(text);
}"""


class Camera:
    """Takes pictures of what a browser shows; none where no folder is named."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def take(
        self,
        browser: Watched,
        name: str,
        *,
        top: str = "body",
        width: int = WIDE,
        height: int = 750,
        dark: bool = False,
    ) -> None:
        """Take a picture of the page as it is, beginning at what a selector finds."""
        if self._folder is None:
            return
        page = browser.page
        before = page.viewport_size
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.set_viewport_size({"width": width, "height": height})
        page.locator(top).first.evaluate(
            "one => scrollTo({ top: one.getBoundingClientRect().top + scrollY - 12,"
            " behavior: 'instant' })"
        )
        page.wait_for_timeout(400)  # charts follow the width
        taken = base64.b64encode(page.screenshot()).decode()
        desk = browser.context.new_page()
        webp: str = desk.evaluate(_AS_WEBP, arg=taken)
        desk.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / f"{name}.webp").write_bytes(base64.b64decode(webp))
        page.emulate_media(color_scheme="light")
        if before is not None:
            page.set_viewport_size(before)


@pytest.fixture
def camera(request: pytest.FixtureRequest) -> Camera:
    """Take pictures into the folder that was asked for, if any."""
    return Camera(request.config.getoption("--pictures"))
