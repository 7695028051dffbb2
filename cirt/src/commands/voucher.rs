//! `lapwing-cirt voucher`: the one string that a technician needs.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use lapwing_cirt::centre::Addresses;
use lapwing_cirt::enrolment::{CertificateAuthority, NewVoucher, WrittenVoucher, write_voucher};
use lapwing_cirt::limits::VOUCHER_HOURS;
use lapwing_cirt::output::line;
use lapwing_cirt::settings::{DataFolder, Name, Settings};
use qrcodegen::{QrCode, QrCodeEcc};

use super::{Data, actor};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    /// Name of the sensor
    #[arg(long)]
    name: Name,
    /// How long the voucher is good for
    #[arg(long, value_name = "N", default_value_t = VOUCHER_HOURS)]
    valid_hours: u32,
    /// The enrolment needs no further approval
    #[arg(long)]
    pre_approved: bool,
    /// Where the sensor connects to, instead of what the settings say; may be given several times
    #[arg(long, value_name = "HOST:PORT")]
    address: Vec<String>,
    /// Write the site file for the sensor's card, too
    #[arg(long, value_name = "FILE")]
    site: Option<PathBuf>,
    /// Print the voucher alone, for scripts
    #[arg(long)]
    quiet: bool,
    /// With --quiet, print the eight words
    #[arg(long, requires = "quiet")]
    words: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (folder, settings, store) = arguments.data.open()?;
    let addresses = match arguments.address.as_slice() {
        [] => vec![reachable_address(&folder, &settings)?],
        given => given.to_vec(),
    };
    for address in &addresses {
        let port = address
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none_or(|port| port == 0) {
            bail!("{address:?} is not HOST:PORT, for example cirt.example.org:7400");
        }
    }
    let addresses_told = addresses.join(" --centre ");
    let new = NewVoucher {
        sensor: &arguments.name,
        addresses,
        root_fingerprint: CertificateAuthority::load(&folder)?.root_fingerprint(),
        valid_hours: arguments.valid_hours,
        pre_approved: arguments.pre_approved,
    };
    let WrittenVoucher {
        text,
        words,
        expires,
    } = write_voucher(&store, &actor(), new)?;
    if let Some(path) = &arguments.site {
        write_site_file(path, &arguments.name, &text)?;
    }
    if arguments.quiet {
        return Ok(line(if arguments.words { &words } else { &text })?);
    }
    line(&qr_code(&text)?)?;
    line(&text)?;
    line(&format!("or, by telephone, eight words: {words}"))?;
    line(&format!(
        "(lapwing enroll --centre {} {words})",
        addresses_told
    ))?;
    let approval = if arguments.pre_approved {
        "needs no approval".to_owned()
    } else {
        format!(
            "waits for: lapwing-cirt sensors --data {} approve {}",
            folder.root().display(),
            arguments.name
        )
    };
    line(&format!(
        "for {}, one device, until {expires:.0}; the enrolment {approval}",
        arguments.name
    ))?;
    Ok(())
}

/// The voucher as a picture of half blocks, two rows a line, with the quiet zone that readers need.
fn qr_code(text: &str) -> anyhow::Result<String> {
    const QUIET: i32 = 2;
    let code = QrCode::encode_text(text, QrCodeEcc::Low)
        .map_err(|_| anyhow::anyhow!("the voucher is too long for a QR code"))?;
    let side = code.size() + 2 * QUIET;
    let is_dark = |x: i32, y: i32| code.get_module(x - QUIET, y - QUIET);
    let mut picture = String::new();
    for y in (0..side).step_by(2) {
        for x in 0..side {
            // Light on a dark terminal: a block is a light module.
            picture.push(match (is_dark(x, y), is_dark(x, y + 1)) {
                (false, false) => '█',
                (false, true) => '▀',
                (true, false) => '▄',
                (true, true) => ' ',
            });
        }
        picture.push('\n');
    }
    Ok(picture)
}

/// The file that a technician puts on the sensor's card. It holds the voucher, so nobody else may read it.
fn write_site_file(path: &Path, name: &Name, voucher: &str) -> anyhow::Result<()> {
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    write!(
        file,
        "# For the card of one sensor: copy it there under the name lapwing-site.toml.\nname = \"{name}\"\nvoucher = \"{voucher}\"\n"
    )?;
    file.sync_all()?;
    Ok(())
}

/// What sensors can connect to: as set, or as listened to, or where the running centre listens.
fn reachable_address(folder: &DataFolder, settings: &Settings) -> anyhow::Result<String> {
    if let Some(address) = &settings.public_address {
        return Ok(address.clone());
    }
    let mut listen = settings.listen;
    if listen.port() == 0 {
        let text = std::fs::read_to_string(folder.addresses()).context(
            "the port is chosen when the centre starts: start it first, or say --address HOST:PORT",
        )?;
        let addresses: Addresses =
            serde_json::from_str(&text).context("addresses.json is not readable")?;
        listen = addresses.collector;
    }
    if listen.ip().is_unspecified() {
        bail!(
            "the centre listens on every address ({listen}): say which one sensors reach with --address HOST:PORT, or set public_address in settings.toml"
        );
    }
    Ok(listen.to_string())
}
