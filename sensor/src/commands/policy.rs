//! `lapwing policy`: what may leave this network, written, signed, checked and explained by the ISP.

mod dry_run;
mod pseudonyms;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Subcommand;
use lapwing_sensor::{
    clock::wall_milliseconds,
    policy::{
        self, Effect, Policy, TEMPLATE, changes, file, isp_key, language::Language, read_isp_key,
        signed,
    },
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
    Explain {
        #[command(flatten)]
        read: Read,
        #[command(flatten)]
        speech: Speech,
    },
    /// Say what a new policy lets leave that the old one did not, and the other way round; exit status 2 where it is wider
    Diff {
        /// The ISP's public key; needed for a signed policy
        #[arg(long, value_name = "FILE")]
        isp_key: Option<PathBuf>,
        #[command(flatten)]
        speech: Speech,
        /// The policy as it is, signed or not
        before: PathBuf,
        /// The policy as it would be, signed or not
        after: PathBuf,
    },
    /// Show exactly the records that would leave, for capture files or live traffic; nothing leaves
    DryRun(dry_run::DryRun),
    /// Begin a new epoch of pseudonyms: make its key, and the file too where there is none
    NewEpoch(pseudonyms::NewEpoch),
    /// Turn a pseudonym back into the address, and write that down
    Resolve(pseudonyms::Resolve),
}

#[derive(clap::Args)]
struct Read {
    /// The ISP's public key; needed for a signed policy
    #[arg(long, value_name = "FILE")]
    isp_key: Option<PathBuf>,
    /// The policy, signed or not
    policy: PathBuf,
}

#[derive(clap::Args)]
struct Speech {
    /// Language: en, fr or es; without it that of the environment (LANG)
    #[arg(long, value_name = "TAG", value_parser = language)]
    language: Option<Language>,
}

fn language(tag: &str) -> Result<Language, String> {
    Language::of_tag(tag).ok_or_else(|| "known are en, fr and es".to_owned())
}

impl Speech {
    fn language(&self) -> Language {
        let of_environment = || {
            let set = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter();
            let set = set.filter_map(|name| env::var(name).ok().filter(|tag| !tag.is_empty()));
            set.map(|tag| Language::of_tag(&tag)).next().flatten()
        };
        self.language.or_else(of_environment).unwrap_or_default()
    }
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
        Action::Explain { read, speech } => {
            terminal::write(policy::explain(&read.policy()?.0, speech.language()))?;
        }
        Action::Diff {
            isp_key,
            speech,
            before,
            after,
        } => {
            let read = |policy| Read {
                isp_key: isp_key.clone(),
                policy,
            };
            return diff(&read(before), &read(after), speech.language());
        }
        Action::DryRun(arguments) => dry_run::run(&arguments)?,
        Action::NewEpoch(arguments) => pseudonyms::new_epoch(&arguments)?,
        Action::Resolve(arguments) => pseudonyms::resolve(&arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Exit status of `diff` where the new policy is wider.
const WIDER: u8 = 2;

fn diff(before: &Read, after: &Read, language: Language) -> anyhow::Result<ExitCode> {
    let changes = changes(&before.any_policy()?, &after.any_policy()?, language);
    let mut text = String::new();
    for change in &changes {
        let effect = language.say(match change.effect {
            Effect::Wider => "diff-wider",
            Effect::Narrower => "diff-narrower",
            Effect::Other => "diff-other",
        });
        text.push_str(&format!("{effect:<14} {}\n", change.text));
    }
    let is_wider = changes.iter().any(|change| change.effect == Effect::Wider);
    if changes.is_empty() {
        text.push_str(language.say("diff-same"));
        text.push('\n');
    } else if is_wider {
        text.push_str(language.say("diff-sign"));
        text.push('\n');
    }
    terminal::write(text)?;
    Ok(if is_wider {
        ExitCode::from(WIDER)
    } else {
        ExitCode::SUCCESS
    })
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

    /// The policy, where one may be signed and another not.
    fn any_policy(&self) -> anyhow::Result<Policy> {
        let is_signed = is_signed(&read_text(&self.policy)?);
        let read = Self {
            isp_key: self.isp_key.clone().filter(|_| is_signed),
            policy: self.policy.clone(),
        };
        Ok(read.policy()?.0)
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
