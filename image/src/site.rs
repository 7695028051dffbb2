//! `lapwing-image site`: makes the site file, or checks one. What a board would say of it is said here, before anybody
//! drives to the site.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use lapwing_init::site_file::{self, SiteFile};

use crate::report;

/// What the site sets.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Check this file and write nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["voucher", "name", "language", "port", "address", "gateway", "name_server", "time_server", "capture", "rules_root", "policy", "output"])]
    check: Option<PathBuf>,
    /// The voucher from the centre
    #[arg(long, required_unless_present = "check")]
    voucher: Option<String>,
    /// What the sensor is called
    #[arg(long)]
    name: Option<String>,
    /// Language of the board's console: en, fr, es or pt
    #[arg(long)]
    language: Option<String>,
    /// Management port, as eth0 or the address of its card
    #[arg(long)]
    port: Option<String>,
    /// Fixed address with the length of its network; without it DHCP
    #[arg(long)]
    address: Option<String>,
    /// Gateway beside a fixed address
    #[arg(long)]
    gateway: Option<String>,
    /// Who knows names; may be given up to three times
    #[arg(long)]
    name_server: Vec<String>,
    /// Who knows the time; may be given up to three times
    #[arg(long)]
    time_server: Vec<String>,
    /// Port with the mirrored traffic; may be given more than once
    #[arg(long)]
    capture: Vec<String>,
    /// Name of the root of trust for rules beside the site file, where it is another than the image's
    #[arg(long, value_name = "FILE")]
    rules_root: Option<String>,
    /// Name of the signed policy beside the site file, and of the ISP's key
    #[arg(long, num_args = 2, value_names = ["POLICY", "ISP_KEY"])]
    policy: Vec<String>,
    /// Where to write the file
    #[arg(long, value_name = "FILE", default_value = "lapwing-site.toml")]
    output: PathBuf,
}

/// Makes or checks a site file.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if let Some(path) = &arguments.check {
        let site = SiteFile::read(path)?;
        let voucher = if site.voucher.is_some() {
            "with"
        } else {
            "without"
        };
        return report(format_args!(
            "{} is right, {voucher} a voucher",
            path.display()
        ));
    }
    let text = text(arguments);
    if let Err(mistakes) = site_file::parse(&text) {
        let mistakes: Vec<_> = mistakes.0.into_iter().map(|mistake| mistake.text).collect();
        bail!("{}", mistakes.join("; "));
    }
    write(&arguments.output, &text)?;
    report(format_args!(
        "{} is written: it goes onto the card's first partition",
        arguments.output.display()
    ))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if path.exists() {
        bail!(
            "{} is there already; name another with --output",
            path.display()
        );
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn text(arguments: &Arguments) -> String {
    let mut text = String::new();
    let one = |key: &str, value: &Option<String>| {
        value.as_ref().map(|value| format!("{key} = {value:?}"))
    };
    let many =
        |key: &str, values: &[String]| (!values.is_empty()).then(|| format!("{key} = {values:?}"));
    let mut section = |name: &str, lines: Vec<Option<String>>| {
        let lines: Vec<String> = lines.into_iter().flatten().collect();
        if !lines.is_empty() {
            // Formatting into a string cannot fail.
            let _written = writeln!(text, "{name}{}", lines.join("\n"));
        }
    };
    section(
        "",
        vec![
            one("name", &arguments.name),
            one("voucher", &arguments.voucher),
            one("language", &arguments.language),
        ],
    );
    section(
        "[management]\n",
        vec![
            one("port", &arguments.port),
            one("address", &arguments.address),
            one("gateway", &arguments.gateway),
            many("name_servers", &arguments.name_server),
            many("time_servers", &arguments.time_server),
        ],
    );
    section("[capture]\n", vec![many("ports", &arguments.capture)]);
    section("[rules]\n", vec![one("root", &arguments.rules_root)]);
    if let [policy, isp_key] = arguments.policy.as_slice() {
        section(
            "[policy]\n",
            vec![
                Some(format!("file = {policy:?}")),
                Some(format!("isp_key = {isp_key:?}")),
            ],
        );
    }
    text
}
