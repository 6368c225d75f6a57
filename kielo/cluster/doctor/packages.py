"""`python -m kielo.cluster.doctor.packages`: says which packages of Kielo the Python that runs it lacks; `kielo doctor --deep` runs it as jobs run."""

from __future__ import annotations

import importlib.metadata
import sys
import tomllib
from collections.abc import Iterator

from kielo.provenance import CHECKOUT

EXTRAS = ("train", "eval")


def unmet() -> Iterator[str]:
    """Yield each package that is absent or of another version than pyproject.toml asks for."""
    from packaging.requirements import Requirement

    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *(line for extra in EXTRAS for line in project["optional-dependencies"][extra])]
    for requirement in map(Requirement, asked):
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            yield f"{requirement.name} is absent; Kielo needs {requirement.specifier}"
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            yield f"{requirement.name} is {version}; Kielo needs {requirement.specifier}"


def main() -> int:
    """Print what is lacking; returns 1 if anything is."""
    try:
        lacking = list(unmet())
    except ModuleNotFoundError as error:
        print(f"{error.name} is absent, and with it Kielo's extra `train`")
        return 1
    for line in lacking:
        print(line)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
