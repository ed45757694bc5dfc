"""usage: sbom.py FOLDER PACKAGE...

One bill of materials per package, of what cargo resolves for it with the features that it has by default: normal and build dependencies, as
they are compiled on this machine. Tests' dependencies are in no image and so in no bill. Licences and checksums are the registry's."""

import json
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL


def cargo(*words):
    return subprocess.run(["cargo", *words], check=True, capture_output=True, text=True).stdout


def git(*words):
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout.strip()


def checksums():
    lock = tomllib.loads(Path("Cargo.lock").read_text())
    return {(each["name"], each["version"]): each.get("checksum") for each in lock["package"]}


def workspace_repository():
    return tomllib.loads(Path("Cargo.toml").read_text())["workspace"]["package"]["repository"]


def component(package, checksums, kind=ComponentType.LIBRARY):
    name, version = package["name"], package["version"]
    licence = package.get("license")
    checksum = checksums.get((name, version))
    # Packages of this workspace are of its repository, whether they say so or not.
    homepage = package.get("repository") or (not package["source"] and workspace_repository())
    # A purl of cargo's means crates.io: a package of this repository is there under its repository instead.
    purl = PackageURL("cargo", None, name, version, {"vcs_url": f"git+{homepage}"} if not package["source"] and homepage else None)
    return Component(
        type=kind,
        name=name,
        version=version,
        bom_ref=f"{name}@{version}",
        purl=purl,
        description=(package.get("description") or "").strip() or None,
        licenses=[LicenseFactory().make_from_string(licence.replace("/", " OR "))] if licence else [],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum)] if checksum else [],
        external_references=[ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(homepage))] if homepage else [],
    )


def main():
    folder, wanted = Path(sys.argv[1]), sys.argv[2:]
    target = next(line.split()[1] for line in cargo("version", "--verbose").splitlines() if line.startswith("host:"))
    metadata = json.loads(cargo("metadata", "--locked", "--format-version", "1", "--filter-platform", target))
    packages = {each["id"]: each for each in metadata["packages"]}
    by_name = {each["name"]: each for each in metadata["packages"] if each["id"] in metadata["workspace_members"]}
    sums = checksums()
    for name in wanted:
        # What is really compiled for it: features are resolved for the package alone, as in its image.
        words = ["--locked", "--package", name, "--target", target, "--edges", "normal,build", "--prefix", "depth", "--format", " {p}"]
        tree = cargo("tree", *words)
        edges, path = {}, []
        for line in tree.splitlines():
            depth, named, version = line.split()[:3]
            # What was told above already is told again without what it needs.
            key = (named, version.removeprefix("v"))
            path[int(depth) :] = [key]
            edges.setdefault(key, set())
            if len(path) > 1:
                edges[path[-2]].add(key)
        known = {(each["name"], each["version"]): each for each in packages.values()}
        root = (name, by_name[name]["version"])
        parts = {key: component(known[key], sums, ComponentType.APPLICATION if key == root else ComponentType.LIBRARY) for key in edges}
        bom = Bom(components=[part for key, part in parts.items() if key != root])
        bom.metadata.component = parts[root]
        # The same commit has the same bill.
        bom.metadata.timestamp = datetime.fromtimestamp(int(git("log", "-1", "--format=%ct")), UTC)
        bom.serial_number = uuid5(NAMESPACE_URL, f"{git('rev-parse', 'HEAD')}/{name}")
        for key, needs in edges.items():
            bom.register_dependency(parts[key], [parts[need] for need in needs])
        text = JsonV1Dot6(bom).output_as_string(indent=2)
        wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
        if wrong is not None:
            sys.exit(f"the bill of {name} is not as the schema says: {wrong}")
        (folder / f"{name}.cdx.json").write_text(text + "\n")
        print(f"{folder / name}.cdx.json: {len(edges) - 1} components")


if __name__ == "__main__":
    main()
