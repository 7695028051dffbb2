//! What is in an image, as an SPDX 2.3 document: Debian packages with address and hash, our programs, and the crates they
//! are made of as `Cargo.lock` names them.

use std::{fs, path::Path};

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{build::Inputs, packages};

#[derive(Deserialize)]
struct CargoLock {
    package: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// Writes the document.
pub(crate) fn write(inputs: &Inputs<'_>, cargo_lock: &Path, to: &Path) -> anyhow::Result<()> {
    let text = fs::read_to_string(cargo_lock)
        .with_context(|| format!("cannot read {}", cargo_lock.display()))?;
    let crates: CargoLock = toml::from_str(&text).context("Cargo.lock is damaged")?;
    let mut all: Vec<Value> = Vec::new();
    for (package, _) in inputs.packages {
        all.push(item(
            &format!("deb-{}-{}", package.name, package.architecture),
            &package.name,
            &package.version,
            &package.url,
            Some(&package.sha256),
            &format!(
                "pkg:deb/debian/{}@{}?arch={}",
                package.name, package.version, package.architecture
            ),
        ));
    }
    for (name, path) in [
        ("lapwing", inputs.lapwing),
        ("lapwing-init", inputs.init),
        ("starter.pack", inputs.pack),
    ] {
        let digest = packages::digest(path)?;
        all.push(item(
            name,
            name,
            inputs.version,
            "NOASSERTION",
            Some(&digest),
            &format!("pkg:generic/{name}@{}", inputs.version),
        ));
    }
    for one in &crates.package {
        if let Some(checksum) = &one.checksum {
            all.push(item(
                &format!("crate-{}-{}", one.name, one.version),
                &one.name,
                &one.version,
                &format!("https://crates.io/crates/{}/{}", one.name, one.version),
                Some(checksum),
                &format!("pkg:cargo/{}@{}", one.name, one.version),
            ));
        }
    }
    let relationships: Vec<Value> = all
        .iter()
        .filter_map(|one| one.get("SPDXID"))
        .map(|id| json!({"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": id}))
        .collect();
    let document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": format!("lapwing-{}-{}", inputs.board.name(), inputs.version),
        "documentNamespace": format!("https://lapwing.example/spdx/{}/{}", inputs.board.name(), inputs.uuid("spdx")),
        "creationInfo": {"created": inputs.time_text()?, "creators": ["Tool: lapwing-image"]},
        "packages": all,
        "relationships": relationships,
    });
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    fs::write(to, text).with_context(|| format!("cannot write {}", to.display()))
}

fn item(
    id: &str,
    name: &str,
    version: &str,
    place: &str,
    sha256: Option<&str>,
    purl: &str,
) -> Value {
    let id: String = id
        .chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() || character == '.' {
                character
            } else {
                '-'
            }
        })
        .collect();
    let mut item = json!({
        "SPDXID": format!("SPDXRef-{id}"),
        "name": name,
        "versionInfo": version,
        "downloadLocation": place,
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}],
    });
    if let (Some(sha256), Some(fields)) = (sha256, item.as_object_mut()) {
        fields.insert(
            "checksums".to_owned(),
            json!([{"algorithm": "SHA256", "checksumValue": sha256}]),
        );
    }
    item
}
