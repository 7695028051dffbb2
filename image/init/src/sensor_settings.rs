//! The settings file of the sensor, written at each start from what the site sets and what the board has.

use std::{fmt::Write, fs, path::Path};

use anyhow::Context;

use crate::{layout, site_file::SiteFile};

/// What the engine gets of the board's memory: a quarter, within these bounds in MiB.
const ENGINE_MIB: std::ops::RangeInclusive<u64> = 16..=512;
/// What the kernel's ring of the capture gets: a thirty-second, within these bounds in MiB.
const RING_MIB: std::ops::RangeInclusive<u64> = 2..=32;

/// The image that runs, for whom newer ones are fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RunningImage {
    pub(crate) board: String,
    pub(crate) version: u64,
    /// SHA-256 of its root, its kernel and its memory disk, in hex.
    pub(crate) parts: Vec<String>,
}

impl RunningImage {
    /// The section of the settings that tells the uplink of it.
    fn section(&self) -> String {
        let (status, control) = (layout::BOARD_STATUS, layout::CONTROL_SOCKET);
        format!(
            "[board]\nname = {:?}\nversion = {}\nparts = {:?}\nstatus = {status:?}\ncontrol = {control:?}\n",
            self.board, self.version, self.parts
        )
    }
}

/// Writes the settings. `capture` are the names of the ports; `image` is given where it takes updates.
pub(crate) fn write(
    site: &SiteFile,
    capture: &[String],
    image: Option<&RunningImage>,
) -> anyhow::Result<()> {
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let of_image = Path::new(layout::RULES_ROOT);
    let mut text = settings(
        site,
        capture,
        total_mib(&memory),
        Path::new(layout::SITE),
        of_image.exists().then_some(of_image),
    );
    text.extend(image.map(RunningImage::section));
    let path = Path::new(layout::SENSOR_SETTINGS);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn total_mib(meminfo: &str) -> u64 {
    let mut lines = meminfo.lines();
    let line = lines.find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}

/// The text of the settings. `given` is the folder of what the site gave, `rules_root` the root of trust for rules that the image brings.
#[must_use]
pub fn settings(
    site: &SiteFile,
    capture: &[String],
    memory_mib: u64,
    given: &Path,
    rules_root: Option<&Path>,
) -> String {
    let within = |value: u64, range: &std::ops::RangeInclusive<u64>| {
        value.clamp(*range.start(), *range.end())
    };
    let mut text = String::new();
    // Formatting into a string cannot fail.
    let mut line = |arguments: std::fmt::Arguments<'_>| {
        let _written = writeln!(text, "{arguments}");
    };
    line(format_args!("state = {:?}", layout::STATE));
    line(format_args!(
        "memory = \"{} MiB\"",
        within(memory_mib / 4, &ENGINE_MIB)
    ));
    if !capture.is_empty() {
        line(format_args!("[capture]\ninterfaces = {capture:?}"));
        line(format_args!(
            "buffer = \"{} MiB\"",
            within(memory_mib / 32, &RING_MIB)
        ));
    }
    let (pack, starter) = (layout::PACK, layout::STARTER_PACK);
    line(format_args!(
        "[rules]\npack = {pack:?}\nstarter = {starter:?}"
    ));
    let given_root = given.join(layout::SITE_RULES_ROOT);
    let given_root = site.rules_root.as_ref().map(|_| given_root.as_path());
    // Without a root no rules are taken over the link, and the starter stays.
    if let Some(root) = given_root.or(rules_root) {
        line(format_args!(
            "root = {:?}\nfollow = true",
            root.display().to_string()
        ));
    }
    if site.policy.is_some() {
        let path = |name: &str| given.join(name).display().to_string();
        line(format_args!("[policy]\nfile = {:?}", path("policy.signed")));
        line(format_args!("isp_key = {:?}", path("isp.pub")));
    }
    if let Some(policy) = &site.policy {
        let path = |name: &str| given.join(name).display().to_string();
        if policy.ledger_key.is_some() {
            line(format_args!("ledger_key = {:?}", path(layout::LEDGER_KEY)));
        }
        if policy.pseudonym_keys.is_some() {
            line(format_args!(
                "pseudonym_keys = {:?}",
                path(layout::PSEUDONYM_KEYS)
            ));
        }
    }
    if let Some(key) = &site.outbox_key {
        let file = Path::new(layout::KEY_DISK).join(&key.file);
        line(format_args!(
            "[outbox]\nkey_file = {:?}",
            file.display().to_string()
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site_file::parse;

    #[test]
    fn a_small_board_gets_small_settings() {
        assert_eq!(
            total_mib("MemTotal:         225280 kB\nMemFree: 1 kB\n"),
            220
        );
        let site = parse("[policy]\nfile = 'p'\nisp_key = 'k'").unwrap();
        let text = settings(&site, &["eth1".to_owned()], 59, Path::new("/nowhere"), None);
        assert_eq!(
            text,
            "state = \"/data/state\"\nmemory = \"16 MiB\"\n[capture]\ninterfaces = [\"eth1\"]\nbuffer = \"2 MiB\"\n[rules]\n\
             pack = \"/data/state/rules/rules.pack\"\nstarter = \"/usr/share/lapwing/starter.pack\"\n[policy]\nfile = \"/nowhere/policy.signed\"\nisp_key = \"/nowhere/isp.pub\"\n"
        );
    }

    #[test]
    fn the_image_that_runs_is_told() {
        let image = RunningImage {
            board: "uefi-x86_64".to_owned(),
            version: 5,
            parts: vec!["aa".to_owned(), "bb".to_owned()],
        };
        assert_eq!(
            image.section(),
            "[board]\nname = \"uefi-x86_64\"\nversion = 5\nparts = [\"aa\", \"bb\"]\nstatus = \"/run/lapwing/board/status\"\n\
             control = \"/run/lapwing/control.sock\"\n"
        );
    }

    #[test]
    fn what_the_site_gives_for_the_isp_and_its_key_place_are_used() {
        let site = parse(
            "[policy]\nfile = 'p'\nisp_key = 'k'\nledger_key = 'l'\npseudonym_keys = 's'\n[report]\nkey = 'r'\n\
             [outbox]\nkey_partition = 'lapwing-key'",
        )
        .unwrap();
        let text = settings(&site, &[], 512, Path::new("/given"), None);
        assert!(
            text.ends_with(
                "ledger_key = \"/given/ledger.pub\"\npseudonym_keys = \"/given/pseudonyms.keys\"\n[outbox]\n\
                 key_file = \"/run/lapwing/key/outbox.key\"\n"
            ),
            "{text}"
        );
        for (text, mistake) in [
            (
                "[policy]\nfile = 'p'\nisp_key = 'k'\n[report]\nkey = 'r'",
                "policy.ledger_key",
            ),
            ("[report]", "report.key"),
            ("[outbox]\nkey_file = 'k'", "outbox.key_partition"),
            (
                "[outbox]\nkey_partition = 'lapwing-data'",
                "on the card itself",
            ),
            (
                "[outbox]\nkey_partition = 'x'\nkey_file = '../k'",
                "beside this one",
            ),
        ] {
            let mistakes = parse(text).unwrap_err().to_string();
            assert!(mistakes.contains(mistake), "{mistakes}");
        }
    }
}
