//! The kernel's modules that an image needs, out of the thousands that Debian builds, with all that those need.
//!
//! `modules.list` names them: one a line, `*` for a whole folder, behind a word that says where it is wanted: `start` for
//! the initial memory disk and the root, `root` for the root alone. A module that a kernel does not have is left out: kernels differ.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};

use crate::tool;

const LIST: &str = include_str!("../modules.list");
/// Fewer than this and the kernel's package is not what was expected.
const FOUND_MIN: usize = 40;

/// Modules of one kernel.
pub(crate) struct KernelModules {
    /// The kernel's own name, as `uname -r` says it.
    pub(crate) release: String,
    folder: PathBuf,
    /// File, and the files it needs, by name.
    files: BTreeMap<String, Vec<String>>,
    aliases: BTreeMap<String, Vec<String>>,
    before: BTreeMap<String, Vec<String>>,
}

impl KernelModules {
    /// Finds them in an unpacked kernel package.
    pub(crate) fn of(unpacked: &Path) -> anyhow::Result<Self> {
        let all = unpacked.join("usr/lib/modules");
        let release = fs::read_dir(&all)
            .ok()
            .and_then(|mut entries| entries.next())
            .context("the kernel's package has no modules")??
            .file_name()
            .to_string_lossy()
            .into_owned();
        let folder = all.join(&release);
        // Debian makes these tables on the machine where the package is installed.
        if !folder.join("modules.softdep").is_file() {
            make_tables(unpacked, &release)?;
        }
        let text = |name: &str| {
            fs::read_to_string(folder.join(name)).with_context(|| format!("depmod made no {name}"))
        };
        let mut modules = Self {
            release,
            files: BTreeMap::new(),
            aliases: BTreeMap::new(),
            before: BTreeMap::new(),
            folder: folder.clone(),
        };
        for line in text("modules.dep")?.lines() {
            if let Some((file, needs)) = line.split_once(':') {
                let files = [file].into_iter().chain(needs.split_whitespace());
                modules
                    .files
                    .insert(name_of(file), files.map(str::to_owned).collect());
            }
        }
        for line in text("modules.alias")?.lines() {
            let mut words = line.split_whitespace().skip(1);
            // Only plain ones: patterns of devices name what is already listed.
            if let (Some(alias), Some(module)) = (words.next(), words.next())
                && !alias.contains('*')
            {
                modules
                    .aliases
                    .entry(alias.replace('-', "_"))
                    .or_default()
                    .push(name_of(module));
            }
        }
        for line in text("modules.softdep")?.lines() {
            let mut words = line.split_whitespace().skip(1);
            let Some(module) = words.next() else { continue };
            let before = words
                .skip_while(|word| *word != "pre:")
                .skip(1)
                .take_while(|word| *word != "post:");
            modules
                .before
                .insert(name_of(module), before.map(str::to_owned).collect());
        }
        Ok(modules)
    }

    /// Copies what the list wants into `root`, unpacked, with fresh tables. `at_start`: for the initial memory disk only.
    pub(crate) fn copy(&self, root: &Path, at_start: bool) -> anyhow::Result<usize> {
        let wanted = self.wanted(at_start);
        if wanted.len() < if at_start { FOUND_MIN / 4 } else { FOUND_MIN } {
            bail!(
                "the kernel {} has only {} of the modules that an image needs",
                self.release,
                wanted.len()
            );
        }
        let target = root.join("lib/modules").join(&self.release);
        for file in &wanted {
            let to = target.join(file);
            let folder = to.parent().context("a module has no folder")?;
            fs::create_dir_all(folder)?;
            fs::copy(self.folder.join(file), &to)?;
        }
        for name in [
            "modules.builtin",
            "modules.builtin.modinfo",
            "modules.order",
        ] {
            let from = self.folder.join(name);
            if from.is_file() {
                fs::copy(from, target.join(name))?;
            }
        }
        let packed: Vec<PathBuf> = wanted
            .iter()
            .filter(|file| file.ends_with(".xz"))
            .map(|file| target.join(file))
            .collect();
        if !packed.is_empty() {
            tool::run(Command::new("xz").arg("-d").args(&packed))?;
        }
        tool::run(tool::named("depmod").arg("-b").arg(root).arg(&self.release))?;
        // The board reads the texts; their binary forms are for kmod.
        for entry in fs::read_dir(&target)?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("modules.")
                && !["modules.dep", "modules.alias", "modules.softdep"].contains(&name.as_str())
            {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(wanted.len())
    }

    fn wanted(&self, at_start: bool) -> BTreeSet<String> {
        let mut wanted = BTreeSet::new();
        for line in LIST.lines() {
            let mut words = line
                .split('#')
                .next()
                .unwrap_or_default()
                .split_whitespace();
            let Some(place) = words.next() else { continue };
            if at_start && place != "start" {
                continue;
            }
            for word in words {
                match word.strip_suffix("/*") {
                    Some(folder) => {
                        let folder = format!("kernel/{folder}/");
                        let inside: Vec<_> = self
                            .files
                            .values()
                            .filter_map(|files| files.first())
                            .filter(|file| file.starts_with(&folder))
                            .collect();
                        for file in inside {
                            self.add(&name_of(file), &mut wanted);
                        }
                    }
                    None => self.add(word, &mut wanted),
                }
            }
        }
        wanted
    }

    fn add(&self, name: &str, wanted: &mut BTreeSet<String>) {
        let name = name.replace('-', "_");
        let Some(files) = self.files.get(&name) else {
            for module in self.aliases.get(&name).into_iter().flatten() {
                if *module != name {
                    self.add(module, wanted);
                }
            }
            return;
        };
        let is_new = files
            .first()
            .is_some_and(|file| wanted.insert(file.clone()));
        if !is_new {
            return;
        }
        for needed in files
            .iter()
            .skip(1)
            .map(|file| name_of(file))
            .chain(self.before.get(&name).into_iter().flatten().cloned())
        {
            self.add(&needed, wanted);
        }
    }
}

/// `depmod` looks below `lib`, Debian's packages have `usr/lib`.
fn make_tables(unpacked: &Path, release: &str) -> anyhow::Result<()> {
    let link = unpacked.join("lib");
    if !link.exists() {
        std::os::unix::fs::symlink("usr/lib", &link)?;
    }
    tool::run(tool::named("depmod").arg("-b").arg(unpacked).arg(release)).map(drop)
}

fn name_of(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.split('.').next().unwrap_or(name).replace('-', "_")
}
