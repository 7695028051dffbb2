//! Damaged packs through the reader: whatever the bytes, opening them gives one error or a pack that can be walked, quickly and
//! without a panic. `LAPWING_MUTATIONS` says how many packs are tried; `make mutations` tries a million.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use lapwing_rules::{
    Compiled, Settings, compile,
    pack::{CanonicalPack, apply_delta, fuzz_entry, make_delta},
    source::Source,
};
use sha2::{Digest, Sha256};

/// Packs tried where nothing else is said.
const MUTATIONS: u64 = 4_000;
/// No pack may take longer.
const TIME_MAX: Duration = Duration::from_secs(1);
/// The packs are small ones.
const PACK_BYTES_MAX: usize = 64 * 1024;

/// Rules that use every section.
const RULES: &str = r#"
alert tcp $HOME_NET any -> any [80,8000:8100,!8080] (msg:"a"; content:"one"; content:"|00 01|two"; distance:4; within:20; pcre:"/x[0-9]+y/R"; flowbits:set,seen; reference:url,example.org/1; metadata:tag t1; sid:1; rev:2;)
alert http any any -> any any (msg:"b"; flow:to_server,established; http.uri; content:"/gate"; nocase; http.host; dotprefix; content:".example.org"; endswith; flowbits:isset,seen; sid:2;)
alert ip [198.51.100.0/24,203.0.113.7,2001:db8::/48] any <> any any (msg:"c"; sid:3;)
alert ip any any -> [198.51.100.9,203.0.113.0/25] any (msg:"d"; threshold:type limit, track by_src, count 1, seconds 60; sid:4;)
alert udp any any -> any 53 (msg:"e"; content:"|02|"; depth:1; byte_test:2,>,100,2; byte_extract:1,3,len; isdataat:len; sid:5;)
alert tcp any any -> any any (msg:"f"; content:"ab"; flowint:count,+,1; sid:6;)
alert tcp any any -> any any (msg:"g"; pcre:"/(a)\1/"; sid:7;)
alert dns any any -> any any (msg:"h"; dns.query; content:"bad"; sid:8;)
alert tcp any any -> any any (msg:"i"; lua:x.lua; sid:9;)
"#;

/// Indicators of every kind, more than fit one block.
fn indicators() -> Source {
    let mut text = "kind,value,id,severity,list,list_name\n".to_owned();
    for number in 1..300 {
        text.push_str(&format!(
            "address,198.18.{}.{},{number},1,1,first\n",
            number / 200,
            number % 200
        ));
    }
    text.push_str(
        "address,2001:db8::/32,900,1,2,second\n\
         address,203.0.113.0/24,901,2,2,\n\
         domain,listed.example,902,1,2,\n\
         host,www.example,903,1,2,\n\
         url,www.example/a,904,1,2,\n\
         ja3,01d9fc0b1ffad07469ab6dd42de4948c,905,1,2,\n\
         ja4,t13d0506h1_e133e205ac38_e12c865f31a5,906,1,2,\n\
         sha1,4aa3667682cb6b23bbc3584723a463a778a4a118,907,1,2,\n",
    );
    Source {
        name: "indicators.csv".into(),
        bytes: text.into_bytes(),
    }
}

fn compiled(text: &str) -> Compiled {
    let source = Source {
        name: "mutations.rules".into(),
        bytes: text.as_bytes().to_vec(),
    };
    let settings = Settings {
        keep_texts: true,
        indicators: vec![indicators()],
        ..Settings::default()
    };
    compile(&[source], &settings)
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % sides.max(1)
    }

    /// Damages bytes in one to eight places, sometimes their length.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.roll(8) {
            if bytes.is_empty() {
                return;
            }
            let at = self.roll(bytes.len());
            let other = self.roll(bytes.len());
            match self.roll(10) {
                0..=3 => bytes[at] ^= 1 << self.roll(8),
                4 => bytes[at] = u8::try_from(self.roll(256)).unwrap(),
                5 | 6 => {
                    let extremes = [0, 1, 0x7fff_ffff, u32::MAX, u32::MAX - 3, 0x1000_0000];
                    let number = extremes[self.roll(extremes.len())].to_le_bytes();
                    let at = at & !3;
                    let end = (at + 4).min(bytes.len());
                    bytes[at..end].copy_from_slice(&number[..end - at]);
                }
                7 => {
                    let end = (at + self.roll(64)).min(bytes.len());
                    let copied = bytes[at..end].to_vec();
                    let end = (other + copied.len()).min(bytes.len());
                    bytes[other..end].copy_from_slice(&copied[..end - other]);
                }
                8 if self.roll(4) == 0 => bytes.truncate(at),
                8 => {}
                _ => bytes.swap(at, other),
            }
        }
    }
}

/// Gives bytes the digest and length that fit them, as one who knows the format would: the checks behind are what is tried.
fn with_fitting_header(bytes: &mut [u8], covered_from: usize) {
    if bytes.len() > covered_from {
        let length = bytes.len() as u64;
        bytes[16..24].copy_from_slice(&length.to_le_bytes());
        let digest = Sha256::digest(&bytes[covered_from..]);
        bytes[24..56].copy_from_slice(&digest);
    }
}

fn mutations() -> u64 {
    std::env::var("LAPWING_MUTATIONS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(MUTATIONS)
}

/// Damages `whole` again and again and gives each to `open`.
fn try_all(whole: &[u8], covered_from: usize, seed: u64, open: impl Fn(&[u8])) {
    assert!(whole.len() < PACK_BYTES_MAX, "{}", whole.len());
    let mut dice = Dice(seed);
    for number in 0..mutations() {
        let mut bytes = whole.to_vec();
        dice.mutate(&mut bytes);
        if number % 8 != 0 {
            with_fitting_header(&mut bytes, covered_from);
        }
        // On a busy machine a process may stand still for a second; what takes a second takes it every time.
        let is_slow = || {
            let begin = Instant::now();
            open(&bytes);
            begin.elapsed() >= TIME_MAX
        };
        assert!(
            !(0..3).all(|_| is_slow()),
            "mutation {number} takes too long"
        );
    }
}

#[test]
fn damaged_packs_are_refused_or_harmless() {
    let pack = compiled(RULES).pack;
    try_all(&pack, 64, 0x9e37_79b9_7f4a_7c15, fuzz_entry);
}

#[test]
fn damaged_canonical_packs_are_refused_or_harmless() {
    let canonical = compiled(RULES).canonical;
    try_all(&canonical, 56, 0x2545_f491_4f6c_dd1d, |bytes| {
        if let Ok(pack) = CanonicalPack::from_bytes(bytes.to_vec()) {
            let mut out = Vec::new();
            if lapwing_rules::pack::derive(&pack, &mut out).is_ok() {
                fuzz_entry(&out);
            }
        }
    });
}

#[test]
fn damaged_deltas_give_the_promised_pack_or_nothing() {
    let old = CanonicalPack::from_bytes(compiled(RULES).canonical).unwrap();
    let new_rules = RULES.replace("/gate", "/door").replace("sid:8;", "sid:18;");
    let new = CanonicalPack::from_bytes(compiled(&new_rules).canonical).unwrap();
    let delta = make_delta(&old, &new).unwrap();
    try_all(&delta, usize::MAX, 0x0123_4567_89ab_cdef, |bytes| {
        let mut out = Vec::new();
        if apply_delta(&old, bytes, &mut out).is_ok() {
            assert!(CanonicalPack::from_bytes(out).is_ok());
        }
    });
}
