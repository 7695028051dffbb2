//! The images for ARM in QEMU's `virt` machine: by UEFI as a server, and by U-Boot as the small boards start. `make image-test-full` builds
//! them and sets `LAPWING_UEFI_ARM64_IMAGE` and `LAPWING_SBC_ARM64_IMAGE`; without them these tests say so and pass.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use lapwing_tests::virtual_machine::{Board, Machine};

/// From the switch to a healthy sensor; U-Boot looks for a network first.
const PATIENCE: Duration = Duration::from_secs(400);
const CARD_BYTES: u64 = 1 << 30;
const SITE: &str = "name = \"arm-test\"\n[capture]\nports = [\"52:54:00:00:00:02\"]\n";
const SLOT_FILE: &str = "slot.txt";

fn image(name: &str) -> Option<PathBuf> {
    let image = env::var_os(name).map(PathBuf::from);
    if image.is_none() {
        eprintln!("skipped: {name} names no image; `make image-test-full` builds one");
    }
    image
}

fn flashed(machine: Machine, image: &Path, folder: &Path) -> Result<Board> {
    let site = folder.join("site.toml");
    fs::write(&site, SITE)?;
    Board::flash(machine, image, folder, CARD_BYTES, Some(&site), &[])
}

#[test]
fn a_server_starts_by_uefi_and_goes_back_from_an_unhealthy_slot() {
    let Some(image) = image("LAPWING_UEFI_ARM64_IMAGE") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut board = flashed(Machine::UefiArm64, &image, folder.path()).unwrap();
    let mut running = board.switch_on().unwrap();
    running.says("data partition made", PATIENCE).unwrap();
    running.says("watchdog open", PATIENCE).unwrap();
    let healthy = running.says("HEALTHY", PATIENCE).unwrap();
    eprintln!("first start by UEFI: healthy after {healthy:?}");
    assert_eq!(running.sent_by_capture_card(), 0, "the capture card sent");
    running.cut_power().unwrap();

    let [confirmed, trial] =
        ["lapwing-b.conf", "lapwing-b+1.conf"].map(|name| format!("loader/entries/{name}"));
    let entry = board.read(&confirmed).unwrap();
    let entry = entry
        .replace("version ", "version 9")
        .replace("quiet", "quiet lapwing.fault=unhealthy");
    board.put(&confirmed, entry.as_bytes()).unwrap();
    board.rename(&confirmed, &trial).unwrap();
    let mut running = board.switch_on().unwrap();
    running
        .says("slot b is not healthy and gives way", PATIENCE)
        .unwrap();
    running.says("slot a confirmed", PATIENCE).unwrap();
    let back = running.says("HEALTHY", PATIENCE).unwrap();
    eprintln!("from an unhealthy slot to the healthy one: {back:?}");
    running.cut_power().unwrap();
}

/// One try, then back; a slot that is well stays; and what nobody can read means slot a.
#[test]
fn a_board_tries_a_slot_once_by_u_boot() {
    let Some(image) = image("LAPWING_SBC_ARM64_IMAGE") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut board = flashed(Machine::UBootArm64, &image, folder.path()).unwrap();
    // Directly or by U-Boot this is enough.
    board.memory_mib = 128;
    let mut running = board.switch_on().unwrap();
    running.says("data partition made", PATIENCE).unwrap();
    let healthy = running.says("HEALTHY", PATIENCE).unwrap();
    eprintln!("first start by U-Boot: healthy after {healthy:?}");
    running.cut_power().unwrap();

    let command_line = board.read("lapwing/b/boot.env").unwrap();
    let unhealthy = command_line.replace("quiet", "quiet lapwing.fault=unhealthy");
    board
        .put("lapwing/b/boot.env", unhealthy.as_bytes())
        .unwrap();
    board.put(SLOT_FILE, b"slot=a\ntry=b\n").unwrap();
    let mut running = board.switch_on().unwrap();
    running.says("slot b on trial", PATIENCE).unwrap();
    running
        .says("slot b is not healthy and gives way", PATIENCE)
        .unwrap();
    running.says("slot a confirmed", PATIENCE).unwrap();
    let back = running.says("HEALTHY", PATIENCE).unwrap();
    eprintln!("from an unhealthy slot to the healthy one: {back:?}");
    running.cut_power().unwrap();
    let slots = board.read(SLOT_FILE).unwrap();
    assert!(
        slots.contains("slot=a") && slots.contains("tried=b") && !slots.contains("try=b"),
        "{slots}"
    );

    board
        .put("lapwing/b/boot.env", command_line.as_bytes())
        .unwrap();
    board.put(SLOT_FILE, b"slot=a\ntry=b\n").unwrap();
    let mut running = board.switch_on().unwrap();
    running.says("slot b on trial", PATIENCE).unwrap();
    running.says("slot b confirmed", PATIENCE).unwrap();
    running.cut_power().unwrap();
    assert!(board.read(SLOT_FILE).unwrap().starts_with("slot=b"));

    board.put(SLOT_FILE, b"\0\xff\0").unwrap();
    let mut running = board.switch_on().unwrap();
    running.says("slot a", PATIENCE).unwrap();
    running.says("HEALTHY", PATIENCE).unwrap();
    running.cut_power().unwrap();
}
