"""holdgate denials: what a refusal's code means and what helps."""

from rich.console import Console
from rich.markdown import Markdown

from holdgate.law.denial import BY_NAME
from holdgate.law.reference import denial_reference
from holdgate.terms.errors import Malformed


def denials(code: str | None = None, /) -> int:
    """Explain a refusal's code, or all of them.

    Parameters
    ----------
    code
        Such as WINDOW_EXCEEDED; without, the whole reference.
    """
    console = Console()
    if code is None:
        console.print(Markdown(denial_reference({})))
        return 0
    found = BY_NAME.get(code.upper())
    if found is None:
        raise Malformed(f"there is no code {code!r}; holdgate denials lists them all")
    console.print(f"[bold]{found.name}[/] ({found.number})", highlight=False)
    console.print(f"It says:  {found.sentence}", highlight=False, soft_wrap=True, markup=False)
    console.print(f"To go on: {found.remedy}", highlight=False, soft_wrap=True, markup=False)
    console.print("Waiting helps." if found.retry else "Waiting does not help.", highlight=False)
    console.print(f"Source:   {found.source}", highlight=False, soft_wrap=True, markup=False)
    return 0
