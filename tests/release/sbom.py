"""Bills of materials of images, as CycloneDX JSON: `make sbom`.

They are read from the images themselves: Debian's packages, Python's distributions, and the models with their
licences and the sha256 of what is really there.
"""

import argparse
import email
import hashlib
import re
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from email.message import Message
from pathlib import Path

from cyclonedx.contrib.hash.factories import HashTypeFactory
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from ocr_modelserver.models.catalogue import load_catalogue
from tests.cluster.errors import ClusterError
from tests.cluster.images import build_images
from tests.cluster.oci import OciArchive
from tests.cluster.wheels import ROOT

DIST = ROOT / "dist"
HASHES = HashTypeFactory()
LICENCES = LicenseFactory()
DPKG = "var/lib/dpkg/status"
METADATA = re.compile(r".*/site-packages/[^/]+\.dist-info/METADATA")
MODEL = re.compile(r".*/share/kubeocr/models/.*")


def bom(archive: OciArchive) -> Bom:
    """The bill of an image; the same image gives the same bill."""
    config, digest = archive.config, archive.digest
    labels = config["config"]["Labels"]
    name, version = (labels[f"org.opencontainers.image.{key}"] for key in ("title", "version"))
    image = Component(
        name=name,
        version=version,
        type=ComponentType.CONTAINER,
        purl=PackageURL("oci", name=name, version=digest, qualifiers={"arch": config["architecture"]}),
        bom_ref=digest,
        hashes=[HASHES.from_composite_str(digest)],
    )
    files = archive.files(
        lambda path: path == DPKG or bool(METADATA.fullmatch(path) or MODEL.fullmatch(path))
    )
    found = Bom(components=components(files), serial_number=uuid.uuid5(uuid.NAMESPACE_OID, digest))
    found.metadata.component = image
    found.metadata.timestamp = datetime.fromisoformat(config["created"])
    found.register_dependency(image, found.components)
    return found


def components(files: Mapping[str, bytes]) -> Iterator[Component]:
    """What is in an image, out of its files by path."""
    for path, content in files.items():
        if path == DPKG:
            yield from debian(content.decode())
        elif METADATA.fullmatch(path):
            yield python(content.decode())
        else:
            yield model(path, content)


def debian(status: str) -> Iterator[Component]:
    """The packages that dpkg has installed."""
    for paragraph in status.strip().split("\n\n"):
        package = email.message_from_string(paragraph)
        name, version, architecture = (package[key] for key in ("Package", "Version", "Architecture"))
        purl = PackageURL("deb", "debian", name, version, {"arch": architecture})
        yield Component(name=name, version=version, purl=purl, bom_ref=str(purl))


def python(metadata: str) -> Component:
    """A distribution, out of its core metadata."""
    fields = email.message_from_string(metadata)
    name = re.sub(r"[-_.]+", "-", fields["Name"]).lower()
    purl = PackageURL("pypi", name=name, version=fields["Version"])
    return Component(
        name=name,
        version=fields["Version"],
        purl=purl,
        bom_ref=str(purl),
        licenses=[LICENCES.make_from_string(licence(fields))],
    )


def licence(fields: Message) -> str:
    """What a distribution says of its licence: newer metadata an expression, older a text or a class."""
    classes = [each for each in fields.get_all("Classifier", ()) if each.startswith("License ::")]
    said = (
        fields["License-Expression"],
        fields["License"],
        *(each.rpartition(" :: ")[2] for each in classes),
    )
    return next((each for each in said if each and "\n" not in each), "not stated")


def model(path: str, content: bytes) -> Component:
    """A model's file: its licence and origin are those of the catalogue's entry with its sha256."""
    digest = hashlib.sha256(content).hexdigest()
    for name, entry in load_catalogue().models.items():
        for file in entry.files.values():
            if file.sha256 == digest:
                purl = PackageURL("pypi", name=entry.package, version=entry.version, subpath=file.path)
                return Component(
                    name=f"{name}/{file.name}",
                    version=entry.version,
                    type=ComponentType.MACHINE_LEARNING_MODEL,
                    purl=purl,
                    bom_ref=f"{name}/{file.name}",
                    hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
                    licenses=[LICENCES.make_from_string(entry.licence)],
                )
    raise ClusterError(f"/{path} with sha256 {digest} is in the image and not in the catalogue of models")


def write(archive: OciArchive, folder: Path) -> Path:
    """Write the bill of an image into the folder."""
    found = bom(archive)
    image = found.metadata.component
    assert image
    target = folder / f"{image.name}-{image.version}.cdx.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    outputter = make_outputter(found, OutputFormat.JSON, SchemaVersion.V1_6)
    target.write_text(outputter.output_as_string(indent=2) + "\n")
    return target


def main(argv: Sequence[str] | None = None) -> int:
    """Write the bills, and print their files."""
    parser = argparse.ArgumentParser(prog="python -m tests.release.sbom", description=__doc__)
    parser.add_argument("archives", nargs="*", type=Path, help="OCI archives; default: those of make images")
    parser.add_argument("--folder", type=Path, default=DIST, help="default: %(default)s")
    arguments = parser.parse_args(argv)
    try:
        for path in arguments.archives or build_images().values():
            print(write(OciArchive(path), arguments.folder))
    except ClusterError as error:
        print(f"sbom: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
