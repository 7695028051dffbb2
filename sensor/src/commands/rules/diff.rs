//! `lapwing rules diff`: which rules two sets have differently, and what of them.
//!
//! Rule files are compared as they are written. A pack has no text of its rules unless it was kept, so where one of the two is a
//! pack both are compared by what the rules do.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use lapwing_rules::{
    Settings, compile,
    difference::{Difference, Kind, Listed, Listing, between},
    limits::PACK_BYTES,
    pack::{CANONICAL_MAGIC, CanonicalPack, Pack, derive, format::MAGIC},
    source::ListFiles,
};
use lapwing_sensor::whole_file;

use super::{Form, explain, indicators};
use crate::commands::load_rules::{read_sources, read_variables};

/// What to compare.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A rule file, a folder of rule files, or a pack
    old: PathBuf,
    /// The same, newer
    new: PathBuf,
    /// How to print what is different
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// Fail if anything is different
    #[arg(long)]
    exit_code: bool,
    /// Values of variables, where rule files are compared with a pack
    #[arg(long, value_name = "FILE")]
    vars: Option<PathBuf>,
}

pub(super) fn run(out: &mut impl Write, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (old, new) = (open(&arguments.old)?, open(&arguments.new)?);
    let changed_indicators = match (&old, &new) {
        (Side::Canonical(old, _), Side::Canonical(new, _)) => {
            indicators::differences(out, old, new, arguments.format)?
        }
        _ => 0,
    };
    let (old, new) = match (old, new) {
        (Side::Files(old), Side::Files(new)) => (Listing::of(&old), Listing::of(&new)),
        (old, new) => {
            let settings = Settings {
                variables: read_variables(arguments.vars.as_deref())?,
                list_files: ListFiles::BesideTheRules,
                ..Settings::default()
            };
            (
                listing_of_pack(&old.into_pack(&settings)?),
                listing_of_pack(&new.into_pack(&settings)?),
            )
        }
    };
    let differences = between(&old, &new);
    for difference in &differences {
        match arguments.format {
            Form::Text => writeln!(out, "{difference}")?,
            Form::Json => writeln!(out, "{}", serde_json::to_string(difference)?)?,
        }
    }
    if matches!(arguments.format, Form::Text) {
        writeln!(out, "{}", summary(&differences))?;
        for (listing, path) in [(&old, &arguments.old), (&new, &arguments.new)] {
            if listing.unreadable > 0 {
                writeln!(
                    out,
                    "{}: {} lines are no rules and were not compared; `lapwing rules check` names them",
                    path.display(),
                    listing.unreadable
                )?;
            }
        }
    }
    let is_different = !differences.is_empty() || changed_indicators > 0;
    Ok(if arguments.exit_code && is_different {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// How many rules of each kind there are, and how many changed under the revision they had.
fn summary(differences: &[Difference]) -> String {
    let counts = [
        Kind::Added,
        Kind::Removed,
        Kind::Changed,
        Kind::Enabled,
        Kind::Disabled,
    ]
    .map(|kind| {
        let count = differences
            .iter()
            .filter(|difference| difference.kinds.contains(&kind))
            .count();
        format!("{count} {kind}")
    })
    .join(", ");
    let unrevised = differences
        .iter()
        .filter(|difference| {
            difference.kinds.contains(&Kind::Changed)
                && difference.rev_before == difference.rev_after
        })
        .count();
    if unrevised > 0 {
        format!("{counts}; {unrevised} changed and kept their rev")
    } else {
        counts
    }
}

/// One of the two that are compared.
enum Side {
    Files(Vec<lapwing_rules::source::Source>),
    Pack(Box<Pack>),
    Canonical(Box<CanonicalPack>, Box<Pack>),
}

impl Side {
    fn into_pack(self, settings: &Settings) -> anyhow::Result<Pack> {
        match self {
            Self::Files(sources) => Ok(Pack::from_bytes(compile(&sources, settings).pack)?),
            Self::Pack(pack) | Self::Canonical(_, pack) => Ok(*pack),
        }
    }
}

fn open(path: &Path) -> anyhow::Result<Side> {
    if path.is_dir() {
        return Ok(Side::Files(read_sources(&[path.to_owned()])?));
    }
    let no_pack = || format!("{}: no usable pack", path.display());
    let max_bytes = usize::try_from(PACK_BYTES).unwrap_or(usize::MAX);
    let bytes = whole_file::read(path, max_bytes)
        .with_context(|| format!("cannot read {}", path.display()))?;
    if bytes.starts_with(&MAGIC) {
        let pack = Pack::from_bytes(bytes).with_context(no_pack)?;
        return Ok(Side::Pack(Box::new(pack)));
    }
    if bytes.starts_with(&CANONICAL_MAGIC) {
        let canonical = CanonicalPack::from_bytes(bytes).with_context(no_pack)?;
        let mut derived = Vec::new();
        derive(&canonical, &mut derived).with_context(no_pack)?;
        let pack = Pack::from_bytes(derived)?;
        return Ok(Side::Canonical(Box::new(canonical), Box::new(pack)));
    }
    Ok(Side::Files(read_sources(&[path.to_owned()])?))
}

fn listing_of_pack(pack: &Pack) -> Listing {
    let mut listing = Listing::default();
    for rule in pack.rules() {
        let id = rule.id();
        let parts = explain::facts(pack, &rule, usize::MAX)
            .into_iter()
            .map(|(label, text)| ("fact", format!("{label}: {}", text.trim())))
            .chain([("msg", rule.message().to_owned())])
            .collect();
        listing.add(
            (id.gid, id.sid),
            Listed {
                rev: id.rev,
                message: rule.message().to_owned(),
                is_enabled: true,
                parts,
            },
        );
    }
    for rule in pack.unsupported() {
        let id = rule.id;
        listing.add(
            (id.gid, id.sid),
            Listed {
                rev: id.rev,
                message: rule.message.to_owned(),
                is_enabled: true,
                parts: vec![
                    ("msg", rule.message.to_owned()),
                    ("fact", format!("not run: {}", rule.reason)),
                ],
            },
        );
    }
    listing
}
