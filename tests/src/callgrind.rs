//! What `valgrind --tool=callgrind` counted: instructions by function, without those of what it called.
//!
//! The format is described in the manual of Valgrind, "Callgrind Format Specification". Only what a run with one event (`Ir`) and
//! compressed names writes is read.

use std::collections::HashMap;

/// Instructions that each function cost itself, by its name as Rust writes it.
pub type SelfCosts = HashMap<String, u64>;

/// Reads a profile. Lines that mean nothing here are passed over.
#[must_use]
pub fn self_costs(profile: &str) -> SelfCosts {
    let mut names: HashMap<&str, String> = HashMap::new();
    let mut costs = SelfCosts::new();
    let mut function = String::new();
    let mut is_call = false;
    for line in profile.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            function = full_name(name, &mut names);
        } else if let Some(name) = line.strip_prefix("cfn=") {
            full_name(name, &mut names);
        } else if line.starts_with("calls=") {
            // The next line is what the call cost with all that it called in turn.
            is_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let cost = line
                .split_ascii_whitespace()
                .nth(1)
                .and_then(|cost| cost.parse::<u64>().ok());
            if let (Some(cost), false) = (cost, is_call) {
                *costs.entry(function.clone()).or_default() += cost;
            }
            is_call = false;
        }
    }
    costs
}

/// A name is written once, with a number before it, and is the number alone from then on.
fn full_name<'p>(written: &'p str, names: &mut HashMap<&'p str, String>) -> String {
    let (number, name) = written.split_once(' ').unwrap_or((written, ""));
    if name.is_empty() {
        return names
            .get(number)
            .cloned()
            .unwrap_or_else(|| written.to_owned());
    }
    let demangled = format!("{:#}", rustc_demangle::demangle(name));
    names.insert(number, demangled.clone());
    demangled
}

#[cfg(test)]
mod tests {
    use super::self_costs;

    #[test]
    fn calls_count_for_what_is_called_only() {
        let profile = "\
version: 1
events: Ir

fl=(1) unknown
fn=(1) main
0 7
cfn=(2) _ZN7lapwing6decode5frame17h0123456789abcdefE
calls=3 0
0 300
+1 5

fn=(2)
0 300
";
        let costs = self_costs(profile);
        assert_eq!(costs.get("main"), Some(&12));
        assert_eq!(costs.get("lapwing::decode::frame"), Some(&300));
    }
}
