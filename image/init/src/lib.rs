//! The first process of the image, `lapwing-init`, and what it and the builder must agree on.
//!
//! A board starts in two stages, both this program. **Stage one** runs from the initial memory disk: it finds the disk
//! that the kernel came from, lengthens the data partition to the card's end, holds the root of its slot against the
//! digest on the kernel's command line, and goes over to it. **Stage two** is process 1 for as long as the board runs:
//! it loads drivers, mounts the data partition and repairs or makes it, reads the site file, brings up the network, keeps
//! `lapwing run` running as an unprivileged user, feeds the watchdog, and tells the console how things are.
//!
//! There is no shell, no login and no open port but for the page that a site may ask for. Nothing here reads a packet of the capture port.
//!
//! | module | what it holds |
//! |---|---|
//! | [`layout`] | names and sizes of partitions, paths, words of the kernel's command line |
//! | [`partition_table`] | GPT, read and written |
//! | [`site_file`] | `lapwing-site.toml`, all mistakes told at once |
//! | [`boot_control`] | try a slot, confirm it, go back: systemd-boot's counters, or U-Boot's `slot.txt` |
//! | [`update`] | a new image, checked and written to the slot that does not run |
//! | [`status_page`] | the page on the management port, where a site asks for it |
//! | `stage_one`, `stage_two` | the two stages |
#![deny(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod boot_control;
mod clock;
mod console;
mod control_socket;
mod data_partition;
mod disk;
mod drivers;
mod health;
mod key_disk;
pub mod layout;
mod lights;
pub mod limits;
mod mounts;
mod network;
pub mod partition_table;
pub mod release;
mod seal;
pub mod sensor_settings;
mod services;
pub mod site_file;
mod site_status;
pub mod stage_one;
pub mod stage_two;
pub mod status_page;
mod system;
mod text;
pub mod update;
mod updates;
mod watchdog;
mod weekly_report;
mod whole_file;
