"""Which model reads the pages: one of the catalogue, or the user's own."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ocr_modelserver.models.catalogue import ModelError, Profile, Role, load_catalogue
from ocr_modelserver.models.own import read_verified
from ocr_modelserver.models.store import read_role
from ocr_wire.card import ModelCard, Part

# Each gives a file's verified content.
Files = Mapping[Role, Callable[[], bytes]]


@dataclass(frozen=True, slots=True)
class Selection:
    """What reads the pages: what clients are told of it, its profile, and the files of that one's models."""

    card: ModelCard
    profile: Profile
    files: Mapping[str, Files]

    def check_languages(self, wanted: Iterable[str]) -> None:
        """Refuse languages that it does not read.

        Raises:
            ModelError: it does not read all of them.
        """
        known = self.card.languages
        if unknown := [language for language in wanted if language not in known]:
            raise ModelError(
                f"model {self.card.name} reads the languages {', '.join(known)}, "
                f"not {', '.join(map(repr, unknown))}"
            )


def of_catalogue(name: str, directory: Path) -> Selection:
    """The profile or model of that name, with its files under the directory.

    Raises:
        ModelError: there is no such name.
    """
    catalogue = load_catalogue()
    profile = catalogue.profile(name)
    files: dict[str, Files] = {
        model: {role: partial(read_role, directory, model, entry, role) for role in entry.files}
        for model, entry in ((each, catalogue.models[each]) for each in profile.models)
    }
    return Selection(catalogue.card(name), profile, files)


def of_folder(name: str, folder: Path, sha256: str | None) -> Selection:
    """The own model in a folder, under that name.

    Raises:
        DigestMismatchError: it is not the one with that sha256.
        ModelError: it cannot be read.
    """
    model = read_verified(folder, sha256)
    said = model.manifest
    about = {"name": name, "languages": said.languages}
    part = Part(package=name, version=said.version, licence=said.licence, **about)
    return Selection(
        ModelCard(sha256=model.sha256, parts=(part,), **about),
        Profile(detect=name, long_side=said.long_side, recognise=name),
        {name: {role: partial(model.contents.__getitem__, file) for role, file in said.files.items()}},
    )
