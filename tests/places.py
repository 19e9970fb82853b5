"""Where the project's own files lie that tests read."""

from pathlib import Path
from typing import Final

SCENARIOS: Final = Path(__file__).resolve().parents[1] / "scenarios"
"""The scenario files, with their worlds and their vocabulary."""
