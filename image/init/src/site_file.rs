//! `lapwing-site.toml`: what one site sets, on the partition that any computer can write. Everything but the voucher has a default.
//!
//! ```toml
//! name = "isp-north-1"              # what the centre calls the sensor; without it the voucher's
//! voucher = "LAPWING1…"             # overwritten when it has done its work
//! language = "en"                   # of the console and of lapwing-status.txt
//!
//! [management]
//! port = "eth0"                     # or the address of the card, as "52:54:00:12:34:56"; without it the first
//! address = "192.0.2.10/24"         # without it DHCP
//! gateway = "192.0.2.1"
//! name_servers = ["192.0.2.53"]
//! time_servers = ["192.0.2.1"]
//! page = 8080                       # what the screen shows, as a page at this port of the address above; without it none
//!
//! [capture]
//! ports = ["eth1"]                  # without it every other port
//!
//! [rules]
//! root = "rules-root.json"          # beside this file; without it the one of the image: who may sign rules
//!
//! [policy]
//! file = "policy.signed"            # both beside this file
//! isp_key = "isp.pub"
//! ledger_key = "ledger.pub"         # the ISP's ledger key: what left, and what its own addresses show, is kept for it
//! pseudonym_keys = "pseudonyms.keys" # where the policy wants pseudonyms
//!
//! [report]                          # a report for the ISP each week, into the folder `reports` beside this file
//! key = "ledger.key"                # the private ledger key: who has the card has it too
//!
//! [outbox]                          # what waits is encrypted with a key on another disk than this one
//! key_partition = "lapwing-key"     # name of the partition, FAT
//! key_file = "outbox.key"           # on it
//! ```

use std::{fmt, fs, io, net::IpAddr, path::Path, str::FromStr};

use ipnet::IpNet;
use lapwing_settings::document::{self, Mistakes, Section};

use crate::{
    layout,
    limits::{INTERFACES_MAX, SERVERS_MAX, SITE_FILE_MAX_BYTES},
};

/// What a voucher begins with.
const VOUCHER_PREFIX: &str = "LAPWING1";
/// What stands in place of a voucher that has done its work.
const USED: &str = "USED";
/// Characters of the longest voucher, and of the shortest that could be one.
const VOUCHER_CHARACTERS: std::ops::RangeInclusive<usize> = 60..=600;

/// What a site sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteFile {
    /// What the sensor is called.
    pub name: Option<String>,
    /// Lets the sensor enrol once.
    pub voucher: Option<String>,
    /// Language of the console.
    pub language: Language,
    /// The port to the network.
    pub management: Management,
    /// The ports with the mirrored traffic; empty for all but the management port.
    pub capture: Vec<Port>,
    /// Name of the file of the root of trust for rules; without it the image's.
    pub rules_root: Option<String>,
    /// The ISP's policy: names of files beside the site file.
    pub policy: Option<Policy>,
    /// Name of the file of the ISP's private ledger key, for the weekly report.
    pub report_key: Option<String>,
    /// Where the key of the outbox is; without it on the data partition, beside what it protects.
    pub outbox_key: Option<KeyPlace>,
}

/// A key on another disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPlace {
    /// Name of the partition.
    pub partition: String,
    /// The file on it.
    pub file: String,
}

/// The port over which the centre is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Management {
    /// Which one; without it the first.
    pub port: Option<Port>,
    /// Its address; without it one is asked for.
    pub address: Option<IpNet>,
    /// The way out, for a fixed address.
    pub gateway: Option<IpAddr>,
    /// Who knows names.
    pub name_servers: Vec<IpAddr>,
    /// Who knows the time.
    pub time_servers: Vec<IpAddr>,
    /// Port of the page with what the screen shows.
    pub page: Option<u16>,
}

/// Files of the ISP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The signed policy.
    pub file: String,
    /// The ISP's public key.
    pub isp_key: String,
    /// The ISP's public ledger key.
    pub ledger_key: Option<String>,
    /// The keys of pseudonyms.
    pub pseudonym_keys: Option<String>,
}

/// How a site names a network port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Port {
    /// As the kernel does.
    Name(String),
    /// By the address of the card: it stays the same whatever else is plugged in.
    Card([u8; 6]),
}

impl FromStr for Port {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = text.split(':').map(|part| match part.len() {
            2 => u8::from_str_radix(part, 16).ok(),
            _ => None,
        });
        let card = bytes.collect::<Option<Vec<u8>>>();
        if let Some(card) = card.and_then(|card| <[u8; 6]>::try_from(card).ok()) {
            return Ok(Self::Card(card));
        }
        let is_name = (1..=15).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if is_name {
            Ok(Self::Name(text.to_owned()))
        } else {
            Err(format!(
                "`{text}` is no port; write its name, as \"eth1\", or the address of its card, as \"52:54:00:12:34:56\""
            ))
        }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::Card(card) => {
                let bytes = card.map(|byte| format!("{byte:02x}"));
                formatter.write_str(&bytes.join(":"))
            }
        }
    }
}

/// A language that a technician reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// French.
    French,
    /// Spanish.
    Spanish,
    /// Portuguese.
    Portuguese,
}

impl Language {
    const CODES: [(&'static str, Self); 4] = [
        ("en", Self::English),
        ("fr", Self::French),
        ("es", Self::Spanish),
        ("pt", Self::Portuguese),
    ];

    /// Its code of two letters.
    #[must_use]
    pub fn code(self) -> &'static str {
        let mut codes = Self::CODES.into_iter();
        codes
            .find(|(_, language)| *language == self)
            .map_or("en", |(code, _)| code)
    }
}

impl FromStr for Language {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut codes = Self::CODES.into_iter();
        let found = codes.find(|(code, _)| *code == text);
        found.map(|(_, language)| language).ok_or_else(|| {
            format!(
                "`{text}` is not a language of this image; write \"en\", \"fr\", \"es\" or \"pt\""
            )
        })
    }
}

/// Why there is no site file to go by.
#[derive(Debug, thiserror::Error)]
pub enum SiteFileError {
    /// It cannot be read.
    #[error("cannot read {0}")]
    Read(String, #[source] io::Error),
    /// It has mistakes.
    #[error("{0}: {1}")]
    Mistakes(String, Mistakes),
}

impl SiteFile {
    /// Reads a site file.
    ///
    /// # Errors
    /// [`SiteFileError`], all mistakes together.
    pub fn read(path: &Path) -> Result<Self, SiteFileError> {
        let name = path.file_name().unwrap_or(path.as_os_str());
        let name = name.to_string_lossy().into_owned();
        let failed = |error| SiteFileError::Read(name.clone(), error);
        if fs::metadata(path).map_err(failed)?.len() > SITE_FILE_MAX_BYTES {
            return Err(failed(io::Error::other(
                "it is too large to be a site file",
            )));
        }
        let bytes = fs::read(path).map_err(failed)?;
        // Windows' editor puts a mark in front; nobody sees it.
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        let text = String::from_utf8_lossy(bytes);
        parse(&text).map_err(|mistakes| SiteFileError::Mistakes(name, mistakes))
    }
}

/// Reads a site file's text.
///
/// # Errors
/// All mistakes together, each with its line.
pub fn parse(text: &str) -> Result<SiteFile, Mistakes> {
    document::read(text, |root| {
        let policy = root.section("policy", policy);
        let has_ledger_key = policy
            .as_ref()
            .is_some_and(|policy| policy.ledger_key.is_some());
        SiteFile {
            name: root.parsed("name", host_name),
            voucher: root.parsed("voucher", voucher).flatten(),
            language: root.parsed("language", str::parse).unwrap_or_default(),
            management: root.section("management", management),
            capture: root.section("capture", |section| {
                bounded(section, "ports", INTERFACES_MAX, str::parse)
            }),
            rules_root: root.section("rules", |section| section.parsed("root", plain_file_name)),
            report_key: root.section("report", |section| report(section, has_ledger_key)),
            outbox_key: root.section("outbox", outbox_key),
            policy,
        }
    })
}

fn management(section: &Section<'_>) -> Management {
    let address = section.parsed("address", |text| {
        text.parse::<IpNet>().map_err(|_| {
            format!("`{text}` is not an address with the length of its network; write for example \"192.0.2.10/24\"")
        })
    });
    let gateway = section.parsed("gateway", ip_address);
    match (&address, &gateway) {
        (None, Some(_)) => section.mistake(
            "gateway",
            &"is of use only beside address; write the address too, or neither for DHCP",
        ),
        (Some(address), Some(gateway)) if !address.contains(gateway) => section.mistake(
            "gateway",
            &format_args!("{gateway} is not in the network of {address}"),
        ),
        _ => {}
    }
    Management {
        port: section.parsed("port", str::parse),
        address,
        gateway,
        name_servers: bounded(section, "name_servers", SERVERS_MAX, ip_address),
        time_servers: bounded(section, "time_servers", SERVERS_MAX, ip_address),
        // Below, a port would need a right that the page has not.
        page: section
            .number("page", 1024..=65_535)
            .and_then(|port| u16::try_from(port).ok()),
    }
}

fn policy(section: &Section<'_>) -> Option<Policy> {
    let file = section.parsed("file", plain_file_name);
    let isp_key = section.parsed("isp_key", plain_file_name);
    if section.is_present() {
        if file.is_none() {
            section.missing(
                "file",
                "write the name of the signed policy, as \"policy.signed\"",
            );
        }
        if isp_key.is_none() {
            section.missing("isp_key", "write the name of the ISP's key, as \"isp.pub\"");
        }
    }
    let ledger_key = section.parsed("ledger_key", plain_file_name);
    let pseudonym_keys = section.parsed("pseudonym_keys", plain_file_name);
    Some(Policy {
        file: file?,
        isp_key: isp_key?,
        ledger_key,
        pseudonym_keys,
    })
}

fn report(section: &Section<'_>, has_ledger_key: bool) -> Option<String> {
    let key = section.parsed("key", plain_file_name);
    if section.is_present() && key.is_none() {
        section.missing(
            "key",
            "write the name of the ISP's private ledger key, as \"ledger.key\"",
        );
    }
    if key.is_some() && !has_ledger_key {
        section.mistake(
            "key",
            &"opens nothing without its public half: write policy.ledger_key too",
        );
    }
    key
}

fn outbox_key(section: &Section<'_>) -> Option<KeyPlace> {
    let partition = section.parsed("key_partition", partition_name);
    let file = section.parsed("key_file", plain_file_name);
    if section.is_present() && partition.is_none() {
        section.missing(
            "key_partition",
            "write the name of the partition with the key, as \"lapwing-key\"",
        );
    }
    Some(KeyPlace {
        partition: partition?,
        file: file.unwrap_or_else(|| "outbox.key".to_owned()),
    })
}

fn partition_name(text: &str) -> Result<String, String> {
    let fits = (1..=36).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    match text {
        layout::BOOT_PARTITION | layout::DATA_PARTITION => Err(format!(
            "{text} is on the card itself; name a partition of another disk"
        )),
        _ if fits => Ok(text.to_owned()),
        _ => Err(format!(
            "`{text}` is no name of a partition: letters, digits, - and _, at most 36"
        )),
    }
}

fn bounded<T>(
    section: &Section<'_>,
    key: &'static str,
    most: usize,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Vec<T> {
    let list = section.list(key, parse).unwrap_or_default();
    if list.len() > most {
        section.mistake(key, &format_args!("names more than {most}"));
    }
    list
}

fn ip_address(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not an address; write for example \"192.0.2.1\""))
}

fn plain_file_name(text: &str) -> Result<String, String> {
    let is_plain =
        !text.is_empty() && !text.starts_with('.') && !text.contains(['/', '\\', ':', '\0']);
    if is_plain {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` must be the name of a file beside this one"
        ))
    }
}

fn host_name(text: &str) -> Result<String, String> {
    let fits = (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    if fits {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` must be letters, digits and - only, at most 63"
        ))
    }
}

/// `None` for one that has done its work.
fn voucher(text: &str) -> Result<Option<String>, String> {
    if text.starts_with(USED) {
        return Ok(None);
    }
    // As people copy it: in any case, with spaces and dashes.
    let plain = text
        .chars()
        .filter(|character| !character.is_whitespace() && *character != '-');
    let plain = plain.collect::<String>().to_ascii_uppercase();
    let is_voucher = plain.starts_with(VOUCHER_PREFIX)
        && VOUCHER_CHARACTERS.contains(&plain.len())
        && plain
            .bytes()
            .skip(VOUCHER_PREFIX.len())
            .all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'));
    if is_voucher {
        Ok(Some(plain))
    } else {
        Err(format!(
            "this is no voucher: it begins with {VOUCHER_PREFIX} and has only letters and the digits 2 to 7; copy it again from the centre"
        ))
    }
}

/// Overwrites the voucher in a site file, in its place and without changing the file's length, so that nothing of it stays on
/// the card as far as the card allows. Whether there was one.
///
/// # Errors
/// When the file cannot be written.
pub fn overwrite_voucher(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::FileExt;

    let text = fs::read(path)?;
    let mut begin = 0;
    let mut found = None;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if line.trim_ascii_start().starts_with(b"voucher") {
            let quotes = line.iter().enumerate();
            let mut quotes = quotes
                .filter(|(_, byte)| b"\"'".contains(byte))
                .map(|(at, _)| at);
            if let (Some(open), Some(close)) = (quotes.next(), quotes.next())
                && close - open > USED.len()
                && !line
                    .get(open + 1..close)
                    .unwrap_or_default()
                    .starts_with(USED.as_bytes())
            {
                found = Some((begin + open + 1, close - open - 1));
            }
        }
        begin += line.len();
    }
    let Some((at, length)) = found else {
        return Ok(false);
    };
    let filler = USED.bytes().chain(std::iter::repeat(b'-'));
    let filler: Vec<u8> = filler.take(length).collect();
    let file = fs::File::options().write(true).open(path)?;
    let at = u64::try_from(at).map_err(io::Error::other)?;
    file.write_all_at(&filler, at)?;
    file.sync_all()?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOUCHER: &str =
        "LAPWING1AEFTCMJXGIZDGLRQFYYDGORXGQYDA5DFNZZGKYLTORUW4ZZANFXGOZLSEBYGC43T";

    #[test]
    fn a_full_file_is_read() {
        let text = format!(
            "name = 'isp-north-1'\nvoucher = '{VOUCHER}'\nlanguage = 'fr'\n[management]\nport = '52:54:00:12:34:56'\n\
             address = '192.0.2.10/24'\ngateway = '192.0.2.1'\nname_servers = ['192.0.2.53', '2001:db8::53']\npage = 8080\n\
             [capture]\nports = ['eth1']\n[rules]\nroot = 'rules-root.json'\n[policy]\nfile = 'policy.signed'\nisp_key = 'isp.pub'\n"
        );
        let site = parse(&text).unwrap();
        assert_eq!(site.voucher.as_deref(), Some(VOUCHER));
        assert_eq!(
            site.management.port,
            Some(Port::Card([0x52, 0x54, 0, 0x12, 0x34, 0x56]))
        );
        assert_eq!(site.capture, [Port::Name("eth1".to_owned())]);
        assert_eq!(site.language.code(), "fr");
        assert_eq!(site.management.page, Some(8080));
        assert_eq!(site.rules_root.as_deref(), Some("rules-root.json"));
        assert_eq!(parse("").unwrap(), SiteFile::default());
    }

    #[test]
    fn five_mistakes_are_told_at_once() {
        let text = "name = 'a b'\nvoucher = 'LAPWING1ABC'\nlanguage = 'xx'\n[management]\naddress = '192.0.2.10'\nadress = 1\n[capture]\nports = ['eth 1']\n";
        let mistakes = parse(text).unwrap_err();
        let lines: Vec<_> = mistakes.0.iter().map(|mistake| mistake.line).collect();
        assert_eq!(lines, [1, 2, 3, 5, 6, 8], "{mistakes}");
    }

    #[test]
    fn what_does_not_fit_together_is_told() {
        for (text, part) in [
            ("[management]\ngateway = '192.0.2.1'", "beside address"),
            (
                "[management]\naddress = '192.0.2.9/24'\ngateway = '198.51.100.1'",
                "not in the network",
            ),
            ("[policy]\nfile = 'a'", "isp_key is missing"),
            ("[policy]\nfile = '../a'\nisp_key = 'b'", "beside this one"),
            (
                "[management]\nname_servers = ['192.0.2.1','192.0.2.2','192.0.2.3','192.0.2.4']",
                "more than 3",
            ),
        ] {
            let mistakes = parse(text).unwrap_err().to_string();
            assert!(mistakes.contains(part), "{text}: {mistakes}");
        }
    }

    #[test]
    fn a_voucher_is_overwritten_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lapwing-site.toml");
        let text =
            format!("# voucher of the centre\n voucher = \"{VOUCHER}\" # once\r\nname = \"a\"\n");
        fs::write(&path, &text).unwrap();
        assert!(overwrite_voucher(&path).unwrap());
        let after = fs::read_to_string(&path).unwrap();
        assert_eq!(after.len(), text.len());
        assert!(
            !after.contains("LAPWING1AEFT") && after.ends_with("\" # once\r\nname = \"a\"\n"),
            "{after}"
        );
        assert_eq!(SiteFile::read(&path).unwrap().voucher, None);
        assert!(!overwrite_voucher(&path).unwrap());
    }

    #[test]
    fn a_file_of_a_windows_editor_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lapwing-site.toml");
        fs::write(
            &path,
            "\u{FEFF}name = \"a\"\r\n[capture]\r\nports = [\"eth1\"]\r\n",
        )
        .unwrap();
        assert_eq!(SiteFile::read(&path).unwrap().name.as_deref(), Some("a"));
    }
}
