//! Memory that a process on a small board need not hold while it waits.
//!
//! Most of what the uplink process holds are pages of its own program: reading settings, the policy and command line, and each
//! TLS handshake, touch code that is not needed for hours afterwards, and the kernel maps sixteen pages where one is
//! touched. They are clean copies of a file, so they can be let go at any time, and come back from the
//! kernel's cache (or, where memory was short, from the disk) when they are needed again. What the allocator keeps after
//! a large batch goes back as well.

use std::fs;

/// Where the kernel tells what each mapping of this process is, `proc_pid_smaps(5)`.
const SMAPS: &str = "/proc/self/smaps";
/// More mappings than a program and its libraries ever have; others are left alone.
const MAX_MAPPINGS: usize = 256;

/// The read-only mappings of the program and its libraries.
#[derive(Debug, Clone, Default)]
pub struct SpareMemory {
    mappings: Vec<Mapping>,
}

/// Whole pages, by their addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mapping {
    start: usize,
    end: usize,
}

impl SpareMemory {
    /// Looks what there is. To be called before the first thread starts and before rights are given up: what is mapped then, the
    /// program and the libraries it was started with, stays mapped as it is to the end. A kernel that does not tell leaves
    /// nothing to give back.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self {
            mappings: clean_mappings(&fs::read_to_string(SMAPS).unwrap_or_default()),
        }
    }

    /// Gives back what is not needed right now.
    pub fn give_back(&self) {
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        {
            // SAFETY: the allocator takes its own locks; nothing that is in use moves.
            #[allow(unsafe_code)]
            let _released = unsafe { libc::malloc_trim(0) };
        }
        for mapping in &self.mappings {
            // SAFETY: the pages are private, cannot be written and were never changed since they were read from their file, so the
            // next access reads the same bytes again. They belong to the program and the libraries of its start, which are
            // never unmapped. Where the kernel refuses, nothing has happened.
            #[allow(unsafe_code)]
            let _advised = unsafe {
                libc::madvise(
                    std::ptr::with_exposed_provenance_mut(mapping.start),
                    mapping.end - mapping.start,
                    libc::MADV_DONTNEED,
                )
            };
        }
    }
}

/// The mappings of files that are private, not writable, and hold no page that differs from its file, neither in memory
/// nor swapped out: the loader's corrections of addresses (RELRO) are such pages and must stay.
fn clean_mappings(smaps: &str) -> Vec<Mapping> {
    let mut clean = vec![];
    let mut current = None;
    for line in smaps.lines() {
        if let Some(begun) = header(line) {
            clean.extend(current.take());
            current = begun;
        } else if is_changed(line) {
            current = None;
        }
    }
    clean.extend(current);
    clean.truncate(MAX_MAPPINGS);
    clean
}

/// A mapping's first line: `start-end permissions offset device inode path`. The inner value is none for mappings that are not of a
/// file or can be written.
fn header(line: &str) -> Option<Option<Mapping>> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let start = usize::from_str_radix(start, 16).ok()?;
    let end = usize::from_str_radix(end, 16).ok()?;
    let permissions = words.next()?;
    let inode = words.nth(2)?;
    let path = words.next().unwrap_or_default();
    let is_clean = matches!(permissions, "r-xp" | "r--p")
        && inode != "0"
        && path.starts_with('/')
        && start < end;
    Some(is_clean.then_some(Mapping { start, end }))
}

/// Whether a line says that pages of the mapping are no longer those of its file.
fn is_changed(line: &str) -> bool {
    ["Anonymous:", "Swap:"].iter().any(|name| {
        line.strip_prefix(name)
            .is_some_and(|amount| amount.trim() != "0 kB")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE: &str = "\
00400000-00500000 r--p 00000000 fe:00 77  /usr/bin/lapwing
Rss:                 400 kB
Anonymous:             0 kB
Swap:                  0 kB
00500000-00700000 r-xp 00100000 fe:00 77  /usr/bin/lapwing
Rss:                 900 kB
Anonymous:             0 kB
Swap:                  0 kB
00700000-00710000 r--p 00300000 fe:00 77  /usr/bin/lapwing
Anonymous:            64 kB
Swap:                  0 kB
00710000-00720000 r--p 00310000 fe:00 77  /usr/bin/lapwing
Anonymous:             0 kB
Swap:                 64 kB
00720000-00730000 rw-p 00310000 fe:00 77  /usr/bin/lapwing
Anonymous:             0 kB
00730000-00740000 r--s 00000000 fe:00 78  /var/lib/lapwing/shared
Anonymous:             0 kB
7fff0000-7fff1000 r-xp 00000000 00:00 0   [vdso]
Anonymous:             0 kB
7fff2000-7fff3000 r--p 00000000 00:00 0
Anonymous:             0 kB
";

    #[test]
    fn only_pages_that_equal_their_file_are_let_go() {
        let mapping = |start, end| Mapping { start, end };
        assert_eq!(
            clean_mappings(MADE),
            [
                mapping(0x0040_0000, 0x0050_0000),
                mapping(0x0050_0000, 0x0070_0000)
            ]
        );
        assert_eq!(clean_mappings("no such file"), []);
    }

    fn resident_file_kib() -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssFile:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    #[test]
    fn a_process_goes_on_with_less() {
        let spare = SpareMemory::of_this_process();
        assert!(!spare.mappings.is_empty());
        let before = resident_file_kib();
        spare.give_back();
        let after = resident_file_kib();
        assert!(after < before, "{before} KiB, then {after} KiB");
        // Everything is still what it was.
        assert_eq!(clean_mappings(MADE).len(), 2);
        assert!(SpareMemory::of_this_process().mappings.len() >= spare.mappings.len());
    }
}
