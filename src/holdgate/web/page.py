"""Pages: one row a page. A page is a template over a model; the part of it that changes can be asked for by itself.

`/traveler` is the whole page, `/traveler?part=live` its live part: what the browser asks for when the site says that something
changed. Models are plain structs made by functions that read the site's state; templates show them and know no rule.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any, Final, NamedTuple

import jinja2
import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from holdgate.crypto.hashes import sha256
from holdgate.law import command as c
from holdgate.law.candidate import Candidate
from holdgate.sites.reception import Reception
from holdgate.terms import money
from holdgate.terms.errors import HoldgateError
from holdgate.web import spoken
from holdgate.web.asker import Asker
from holdgate.web.drafting import Drafting
from holdgate.web.face import Face
from holdgate.web.operation import Finds
from holdgate.web.problem import Problem, of_error
from holdgate.web.show import Zoned, calendar_day
from holdgate.web.spoken import Spoken
from holdgate.web.wish import Wish, best, wish_of

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; manifest-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


class View(NamedTuple):
    """One look at a page.

    `path`: what the address has in its braces; `query`: its parameters; `reception`: the front desk; `drafting`: reads and compares
    contracts; `shows`: how far the site had come when it began.
    """

    face: Face
    asker: Asker
    path: dict[str, str]
    query: dict[str, str]
    reception: Reception
    drafting: Drafting
    shows: str

    def wishes(self, about: str | None = None) -> list[Wish]:
        """What the person could do now (about one subject), as forms."""
        return [wish_of(self.face.state, role, option) for role, option in self.face.options(self.asker, about)]

    def offer(
        self,
        act: type[c.Command],
        fields: dict[str, Any],
        asks: tuple[str, ...] = (),
        others: tuple[tuple[str, str], ...] = (),
    ) -> Wish | None:
        """One act as a form, in the role in which the person gets furthest with it; None where nobody is signed in."""
        candidate = Candidate(act, fields, asks, others)
        made = (wish_of(self.face.state, role, found) for role, found in self.face.option(self.asker, candidate))
        return next(iter(best(made)), None)

    def who(self, smart_id: str) -> str:
        """Somebody by their name, and their SMART-ID."""
        found = self.face.state.identities.get(smart_id)
        return smart_id if found is None or found.name == smart_id else f"{found.name} ({smart_id})"


Model = Callable[[View], Any]


class Page(NamedTuple):
    """One page. `name`: its address and template; `title`: in the menu; `roles`: who has it (none: every one of the staff).

    `below`: further addresses below it, each with a template of its own: `/{order}/{job}` → `traveler_job`. `model` answers a
    `Problem` where there is nothing to show; what takes long it does elsewhere than on the event loop, and is awaited. `listed`: it
    stands in the menu. `public`: nobody has to sign in; `signed`: every person who did has it, and the model guards what it shows.
    `outsiders`: who has it too, of those who are none of the staff. `once`: where several sites of a process have it, the menu
    names the first one alone. `gloves`: it is touched with gloves, so everything that is touched is large.
    """

    name: str
    title: str
    kinds: tuple[str, ...]
    roles: tuple[str, ...]
    model: Model
    below: tuple[tuple[str, str, Model], ...] = ()
    outsiders: tuple[str, ...] = ()
    once: bool = False
    listed: bool = True
    public: bool = False
    signed: bool = False
    gloves: bool = False

    def offered_to(self, asker: Asker) -> bool:
        """Whether it stands in somebody's menu."""
        return asker.holds(*self.roles, *self.outsiders) if self.roles else self.open_to(asker)

    def open_to(self, asker: Asker) -> bool:
        """Whether it is somebody's page."""
        if self.public or (self.signed and asker.person is not None):
            return True
        if self.outsiders and asker.person is not None and asker.holds(*self.outsiders):
            return True
        if not self.roles:
            return asker.staff
        return asker.holds(*self.roles)


class Pages:
    """The pages of one site.

    Args:
        face: the site.
        pages: which pages there are.
        asker: who asks.
        reception: the front desk.
        menu: the pages of somebody at every site of this process.
        zone: the shop's time zone.
        drafting: reads and compares contracts.
    """

    def __init__(
        self,
        face: Face,
        pages: Sequence[Page],
        asker: Finds,
        reception: Reception,
        menu: Callable[[Asker | None], list[tuple[str, str]]],
        zone: tzinfo,
        drafting: Drafting,
    ) -> None:
        self._drafting = drafting
        self._face = face
        self._pages = [page for page in pages if face.kind in page.kinds]
        self._asker = asker
        self._reception = reception
        self._menu = menu
        self._env = environment(zone)
        said = Spoken(lambda: face.state, lambda: face.library)
        self._env.filters.update(spoken=said, plainly=said.plainly)

    def entries(self, asker: Asker | None) -> list[tuple[str, str]]:
        """The menu's rows for somebody at this site, or every row for None: (address, title)."""
        mine = [page for page in self._pages if asker is None or page.offered_to(asker)]
        mine = [page for page in mine if page.listed]
        return [(f"/{self._face.id}/{page.name}", page.title) for page in mine]

    def _menu_here(self, asker: Asker) -> list[tuple[str, str]]:
        """The menu on this site's pages: of a page that several sites have, this one's alone, if it has it."""
        own = {title for _, title in self.entries(asker)}
        mine = f"/{self._face.id}/"
        return [(path, title) for path, title in self._menu(asker) if title not in own or path.startswith(mine)]

    def routes(self) -> list[Route]:
        """The routes of every page."""
        found = []
        for page in self._pages:
            found.append(Route(f"/{page.name}", self._endpoint(page, page.name, page.model), methods=["GET"]))
            for path, template, model in page.below:
                found.append(Route(f"/{page.name}{path}", self._endpoint(page, template, model), methods=["GET"]))
        return found

    def _endpoint(self, page: Page, template: str, model: Model) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            asker = self._asker(request)
            part = request.query_params.get("part")
            if not page.open_to(asker):
                return self._door(page, request, asker, 403 if asker.person is not None else 200)
            if part == "live" and "live" not in self._env.get_template(f"{template}.html").blocks:
                return Response("", media_type="text/html", headers=HEADERS)  # nothing of it changes by itself
            query = {name: value for name, value in request.query_params.items() if name != "part"}
            view = View(
                self._face, asker, dict(request.path_params), query, self._reception, self._drafting, self._face.shows
            )
            try:
                made = model(view)  # on the event loop: the state is read between two of its turns, never beside one
                made = await made if inspect.isawaitable(made) else made
            except HoldgateError as error:
                made = of_error(error)
            if isinstance(made, Problem):
                return self._render("problem", page, view, made, part, made.status)
            return self._render(template, page, view, made, part, 200)

        return endpoint

    def _door(self, page: Page, request: Request, asker: Asker, status: int) -> Response:
        """What somebody sees whose page it is not: where to sign in, or that it is not theirs."""
        view = View(self._face, asker, {}, {}, self._reception, self._drafting, self._face.shows)
        return self._render("door", page, view, None, request.query_params.get("part"), status)

    def _render(self, template: str, page: Page, view: View, model: Any, part: str | None, status: int) -> Response:
        context = {
            "page": page,
            "view": view,
            "m": model,
            "face": self._face,
            "asker": view.asker,
            "menu": self._menu_here(view.asker),
            "settings": self._face.settings,
        }
        found = self._env.get_template(f"{template}.html")
        text = "".join(found.blocks["live"](found.new_context(context))) if part == "live" else found.render(context)
        return Response(text, status_code=status, media_type="text/html", headers=HEADERS)


def environment(zone: tzinfo) -> jinja2.Environment:
    """The templates, with what they show values by. `zone`: the shop's."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    zoned = Zoned(zone)
    env.filters.update(
        wished=lambda wish: msgspec.json.encode(wish).decode(),
        moment=zoned.moment,
        clock=zoned.clock,
        day=zoned.day,
        calendar_day=calendar_day,
        ago=zoned.ago,
        duration=zoned.duration,
        money=money.show,
        role=spoken.role,
        roles=spoken.roles,
        unit=spoken.unit,
        read=spoken.value,
        thing=spoken.thing,
        spoken=str,  # as it stands, until a site with its people and techniques says it in words
        plainly=str,
    )
    env.globals["static"] = static_address
    return env


def bare(path: Path) -> jinja2.Template:
    """A template outside of this package, with the static files' addresses and nothing else."""
    env = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    env.globals["static"] = static_address
    return env.from_string(path.read_text(encoding="utf-8"))


_DIGESTS: dict[str, str] = {}


def static_address(name: str) -> str:
    """Where a static file is reached, under a name that changes with its content."""
    if name not in _DIGESTS:
        _DIGESTS[name] = sha256((STATIC / name).read_bytes()).hex()[:12]
    return f"/static/{name}?{_DIGESTS[name]}"


_MEDIA: Final = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".html": "text/html",
    ".webmanifest": "application/manifest+json",
}


def static_routes() -> Iterable[Route]:
    """Own scripts, the stylesheet, pictures: files that are part of the product, and no other."""
    files = {path.relative_to(STATIC).as_posix(): path for path in sorted(STATIC.rglob("*")) if path.suffix in _MEDIA}

    async def give(request: Request) -> Response:
        path = files.get(request.path_params["name"])
        if path is None:
            return Response("there is no such file\n", status_code=404, media_type="text/plain")
        headers = {
            **HEADERS,
            "Cache-Control": "public, max-age=31536000, immutable" if request.url.query else "no-cache",
        }
        return Response(path.read_bytes(), media_type=_MEDIA[path.suffix], headers=headers)

    yield Route("/static/{name:path}", give, methods=["GET"])


def home(
    doors: Callable[[Asker | None], list[tuple[str, str]]], asker: Finds, zone: tzinfo, name: str
) -> Callable[[Request], Awaitable[Response]]:
    """The first page of a process: everything that whoever asks may open; for a stranger the doors at which to sign in.

    Args:
        doors: the pages of somebody; of everybody for None: (address, title).
        asker: who asks.
        zone: the shop's time zone.
        name: the shop's.
    """
    env = environment(zone)

    async def show(request: Request) -> Response:
        found = asker(request)
        menu = doors(found)
        if len(menu) == 1:
            return RedirectResponse(menu[0][0], headers=HEADERS)
        text = env.get_template("home.html").render(menu=menu, doors=doors(None), shop=name)
        return Response(text, media_type="text/html", headers=HEADERS)

    return show
