//! `lapwing policy`: what may leave this network, written, signed, checked and explained by the ISP.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Subcommand;
use lapwing_sensor::{
    clock::wall_milliseconds,
    policy::{self, Policy, TEMPLATE, file, isp_key, read_isp_key, signed},
    whole_file,
};

use crate::terminal;

/// What to do with a policy.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make the ISP's key: the private half stays with the ISP, the public half goes to the sensor
    Keygen {
        /// File for the private key; the public key is written beside it, with the ending .pub
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Print a policy to start from
    Template,
    /// Sign a policy with the ISP's private key
    Sign {
        /// The ISP's private key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The signed policy; without it the ending .toml becomes .signed
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// The policy
        policy: PathBuf,
    },
    /// Check a policy, and its signature if it is signed
    Check(Read),
    /// Say in plain words what leaves under a policy
    Explain(Read),
}

#[derive(clap::Args)]
struct Read {
    /// The ISP's public key; needed for a signed policy
    #[arg(long, value_name = "FILE")]
    isp_key: Option<PathBuf>,
    /// The policy, signed or not
    policy: PathBuf,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.action {
        Action::Keygen { out } => {
            let public = out.with_extension("pub");
            isp_key::generate(&out, &public)?;
            terminal::write(format_args!(
                "private key {}: keep it away from the sensor and the centre\npublic key  {}: name it in sensor.toml\n",
                out.display(),
                public.display()
            ))?;
        }
        Action::Template => terminal::write(TEMPLATE)?,
        Action::Sign { key, out, policy } => sign(&key, out, &policy)?,
        Action::Check(read) => {
            let (policy, is_signed) = read.policy()?;
            let name = read.policy.display();
            let signature = if is_signed {
                "validly signed"
            } else {
                "not signed"
            };
            terminal::write(format_args!(
                "{name}: policy {} is right, {signature}\n",
                policy.serial
            ))?;
        }
        Action::Explain(read) => terminal::write(policy::explain(&read.policy()?.0))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn sign(key: &Path, out: Option<PathBuf>, path: &Path) -> anyhow::Result<()> {
    let key = isp_key::read(key)?;
    let text = read_text(path)?;
    if is_signed(&text) {
        bail!(
            "{} is signed already: sign the policy it was made from",
            path.display()
        );
    }
    let signed = signed::sign(&text, &key, wall_milliseconds() / 1000)
        .with_context(|| path.display().to_string())?;
    let out = out.unwrap_or_else(|| path.with_extension("signed"));
    whole_file::replace(&out, &signed)
        .with_context(|| format!("cannot write {}", out.display()))?;
    terminal::write(format_args!("signed policy {}\n", out.display()))
}

impl Read {
    /// The policy, and whether it is signed.
    fn policy(&self) -> anyhow::Result<(Policy, bool)> {
        let name = self.policy.display();
        let text = read_text(&self.policy)?;
        match (is_signed(&text), &self.isp_key) {
            (true, None) => {
                bail!("{name} is signed: name the ISP's public key with --isp-key FILE")
            }
            (true, Some(key)) => {
                let key = read_isp_key(key)?;
                let opened = signed::open(text.as_bytes(), key, 0, wall_milliseconds() / 1000);
                Ok((opened.with_context(|| name.to_string())?.policy, true))
            }
            (false, Some(_)) => bail!("{name} is not signed"),
            (false, None) => Ok((file::parse(&text).with_context(|| name.to_string())?, false)),
        }
    }
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    let bytes = whole_file::read(path, 2 * file::MAX_POLICY_BYTES)
        .with_context(|| format!("cannot read {}", path.display()))?;
    String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("{} is not text", path.display()))
}

/// A signed policy is JSON, a policy is TOML, which cannot begin with a brace.
fn is_signed(text: &str) -> bool {
    text.trim_start().starts_with('{')
}
