//! What a packet costs in instructions, stage by stage: none may rise by more than a tenth over what `instruction_counts.csv` says.
//!
//! Processor time on a shared machine says little; instructions, counted by callgrind, are the same there as on an idle one. They belong
//! to one compiler and to full optimisation: with others the test is skipped, and says so. `UPDATE_EXPECT=1` writes the file anew.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use lapwing_tests::{
    callgrind,
    cases::starter_rules,
    programs::{program, workspace_root},
};

const RISE_PERCENT_MAX: u64 = 10;
/// Below this many instructions a packet a tenth is less than what chance moves: keys of hashes differ in each run.
const RISE_ALWAYS_ALLOWED: u64 = 25;
/// What the C library does is told and not judged: it chooses its ways by the processor.
const OF_THE_LIBRARY: &str = "memory";
const OPTIMISATION: &str = "3";
/// Begins the line that names the compiler.
const COMPILER: &str = "# compiler: ";

/// Which functions belong to a stage: the first one whose beginning fits. What no path names is the last.
const STAGES: [(&str, &[&str]); 10] = [
    ("decode", &["lapwing_sensor::decode"]),
    ("flow", &["lapwing_sensor::flow"]),
    ("stream", &["lapwing_sensor::stream"]),
    ("app layer", &["lapwing_sensor::app_layer"]),
    (
        "looking for patterns",
        &[
            "lapwing_sensor::detect::prefilter",
            "lapwing_rules::pack::filter",
            "lapwing_rules::pack::prefilter",
        ],
    ),
    (
        "judging rules",
        &["lapwing_sensor::detect", "lapwing_rules"],
    ),
    ("pipeline", &["lapwing_sensor::pipeline"]),
    ("findings", &["lapwing_sensor", "lapwing"]),
    (
        "memory",
        &[
            "malloc",
            "_int_",
            "free",
            "realloc",
            "calloc",
            "unlink_chunk",
            "sysmalloc",
            "__memcpy",
            "__memset",
            "__memmove",
            "__memcmp",
            "memcpy",
            "memmove",
            "memset",
        ],
    ),
    ("the rest", &[""]),
];

fn stage_of(function: &str) -> &'static str {
    // `<path::of::Type as Trait>::method` belongs to the type.
    let path = function.trim_start_matches(['<', '&', '[', '(']);
    let path = path.strip_prefix("mut ").unwrap_or(path);
    let belongs = |beginning: &&str| path.starts_with(*beginning);
    let (stage, _) = STAGES
        .iter()
        .find(|(_, beginnings)| beginnings.iter().any(belongs))
        .unwrap();
    stage
}

/// Instructions of replaying `capture`, by stage.
fn counted(pack: &Path, capture: &Path, folder: &Path) -> BTreeMap<&'static str, u64> {
    let profile = folder.join("callgrind.out");
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--demangle=no", "--dump-line=no"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(program("lapwing"))
        .args(["replay", "--output", "eve", "--pack"])
        .args([pack, capture])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "callgrind ended with {status}");
    let mut stages = BTreeMap::new();
    for (function, cost) in callgrind::self_costs(&fs::read_to_string(&profile).unwrap()) {
        *stages.entry(stage_of(&function)).or_default() += cost;
    }
    stages
}

/// Made traffic, whole and its first packet alone; and how many packets there are.
fn made_traffic(folder: &Path) -> (PathBuf, PathBuf, u64) {
    let (whole, first) = (folder.join("whole.pcap"), folder.join("first.pcap"));
    let is_made = Command::new(program("lapwing-traffic"))
        .args(["--scenario", "demo", "--seed", "1", "--output"])
        .arg(&whole)
        .status()
        .unwrap()
        .success();
    assert!(is_made);
    let mut capture = pcap::Capture::from_file(&whole).unwrap();
    let mut save = capture.savefile(&first).unwrap();
    let mut packets = 0;
    while let Ok(packet) = capture.next_packet() {
        if packets == 0 {
            save.write(&packet);
        }
        packets += 1;
    }
    save.flush().unwrap();
    (whole, first, packets)
}

fn starter_pack(folder: &Path) -> PathBuf {
    let pack = folder.join("starter.pack");
    let mut command = Command::new(program("lapwing"));
    command.args(["rules", "compile", "--output"]).arg(&pack);
    let status = command
        .args(starter_rules().unwrap())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    pack
}

/// Why nothing can be compared here.
fn hindrance(kept_compiler: Option<&str>) -> Option<String> {
    if env!("LAPWING_OPT_LEVEL") != OPTIMISATION {
        return Some(format!(
            "programs are optimised at level {}, and the counts are those of level {OPTIMISATION}",
            env!("LAPWING_OPT_LEVEL")
        ));
    }
    if !cfg!(target_arch = "x86_64") || !has_avx2() {
        return Some("the counts are those of a processor with AVX2".to_owned());
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Some("valgrind is not installed".to_owned());
    }
    match kept_compiler {
        None => Some("no counts are kept yet: UPDATE_EXPECT=1 writes them".to_owned()),
        Some(kept) if kept != env!("LAPWING_COMPILER") => Some(format!(
            "the counts are those of {kept}, and this is {}",
            env!("LAPWING_COMPILER")
        )),
        Some(_) => None,
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx2() -> bool {
    false
}

#[test]
fn no_stage_costs_a_tenth_more_instructions_than_it_did() {
    let kept_file = workspace_root().join("tests/instruction_counts.csv");
    let kept = fs::read_to_string(&kept_file).unwrap_or_default();
    let is_update = env::var_os("UPDATE_EXPECT").is_some();
    let kept_compiler = kept.lines().find_map(|line| line.strip_prefix(COMPILER));
    let kept_compiler = if is_update {
        Some(env!("LAPWING_COMPILER"))
    } else {
        kept_compiler
    };
    if let Some(why) = hindrance(kept_compiler) {
        eprintln!("skipped: {why}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let pack = starter_pack(folder.path());
    let (whole, first, packets) = made_traffic(folder.path());
    // What the start costs is taken off, and the one packet with it.
    let started = counted(&pack, &first, folder.path());
    let all = counted(&pack, &whole, folder.path());
    let a_packet: Vec<(&str, u64)> = STAGES
        .iter()
        .map(|(stage, _)| {
            let of = |counted: &BTreeMap<&str, u64>| counted.get(stage).copied().unwrap_or(0);
            (
                *stage,
                of(&all).saturating_sub(of(&started)) / (packets - 1),
            )
        })
        .collect();
    let mut table = format!(
        "# Instructions a packet of the made traffic, by stage, under the starter rules. What has no path of ours is in the last rows.\n\
         {COMPILER}{}\nstage,instructions_a_packet\n",
        env!("LAPWING_COMPILER")
    );
    for (stage, count) in &a_packet {
        table.push_str(&format!("{stage},{count}\n"));
    }
    let total: u64 = a_packet
        .iter()
        .filter(|(stage, _)| *stage != OF_THE_LIBRARY)
        .map(|(_, count)| count)
        .sum();
    table.push_str(&format!("all but memory,{total}\n"));
    eprintln!("{table}");
    if is_update {
        fs::write(&kept_file, table).unwrap();
        return;
    }
    let kept: BTreeMap<&str, u64> = kept
        .lines()
        .filter_map(|line| line.split_once(','))
        .filter_map(|(stage, count)| Some((stage, count.parse().ok()?)))
        .collect();
    assert_eq!(
        kept.len(),
        STAGES.len() + 1,
        "{} is whole",
        kept_file.display()
    );
    let risen: Vec<String> = a_packet
        .into_iter()
        .filter(|(stage, _)| *stage != OF_THE_LIBRARY)
        .chain([("all but memory", total)])
        .filter_map(|(stage, now)| {
            let before = *kept.get(stage)?;
            let allowed = (before * RISE_PERCENT_MAX / 100).max(RISE_ALWAYS_ALLOWED);
            (now > before + allowed).then(|| format!("{stage}: {before} before, {now} now"))
        })
        .collect();
    assert!(
        risen.is_empty(),
        "instructions a packet rose by more than a tenth: {}. Where that has to be, UPDATE_EXPECT=1 takes the new counts",
        risen.join("; ")
    );
}
