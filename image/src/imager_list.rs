//! The list that Raspberry Pi Imager reads (`rpi-imager --repo FILE`): one system, with what Imager holds the written card against.
//! Its form is described in Imager's own `doc/json-schema/os-list-schema.json`.

use std::{fs, path::Path};

use anyhow::Context;
use serde_json::{Value, json};

use crate::{board::Board, packages};

/// Imager's names for the models.
const MODELS: [&str; 3] = ["pi3-64bit", "pi4-64bit", "pi5-64bit"];

/// Writes the list for an image that is given away below an address.
pub(crate) fn write(
    board: Board,
    address: &str,
    date: &str,
    image: &Path,
    packed: &Path,
    to: &Path,
) -> anyhow::Result<()> {
    let list = list(board, address, date, image, packed)?;
    let text = serde_json::to_string_pretty(&list)?;
    fs::write(to, text).with_context(|| format!("cannot write {}", to.display()))
}

fn list(
    board: Board,
    address: &str,
    date: &str,
    image: &Path,
    packed: &Path,
) -> anyhow::Result<Value> {
    let name = packed.file_name().context("an image has a name")?;
    let address = address.trim_end_matches('/');
    let mut system = json!({
        "name": format!("Lapwing sensor ({})", board.name()),
        "description": format!("{}. Put lapwing-site.toml on the card's first partition afterwards", board.tried()),
        "icon": format!("{address}/lapwing.png"),
        "url": format!("{address}/{}", name.to_string_lossy()),
        "extract_size": image.metadata()?.len(),
        "extract_sha256": packages::digest(image)?,
        "image_download_size": packed.metadata()?.len(),
        "image_download_sha256": packages::digest(packed)?,
        "release_date": date.get(..10).context("a time begins with a date")?,
        // Imager changes nothing in it: there are no users to make.
        "init_format": "none",
    });
    if board == Board::SbcArm64
        && let Some(system) = system.as_object_mut()
    {
        system.insert("devices".to_owned(), json!(MODELS));
    }
    Ok(json!({ "os_list": [system] }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imager_finds_all_that_it_asks_for() {
        let folder = tempfile::tempdir().unwrap();
        let [image, packed] = ["l.img", "l.img.zst"].map(|name| folder.path().join(name));
        fs::write(&image, "image").unwrap();
        fs::write(&packed, "i").unwrap();
        let to = folder.path().join("list.json");
        let address = "https://cirt.example/images/";
        write(
            Board::SbcArm64,
            address,
            "2026-12-01T00:00:00Z",
            &image,
            &packed,
            &to,
        )
        .unwrap();
        let list: Value = serde_json::from_str(&fs::read_to_string(to).unwrap()).unwrap();
        let system = &list["os_list"][0];
        assert_eq!(system["url"], "https://cirt.example/images/l.img.zst");
        assert_eq!(system["extract_size"], 5);
        assert_eq!(
            system["extract_sha256"],
            "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d"
        );
        assert_eq!(system["image_download_size"], 1);
        assert_eq!(system["release_date"], "2026-12-01");
        assert_eq!(system["devices"][0], "pi3-64bit");
        for name in ["name", "description", "icon"] {
            assert!(system[name].is_string());
        }
    }
}
