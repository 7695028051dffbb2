//! Host names among the facts of a finding.

/// Facts whose value is the name of a host.
const HOST_FACTS: [&str; 3] = ["http.host", "tls.sni", "dns.query"];

/// Says whether facts name a host, or one under it. `host` is in lower case. A port behind the name, a point at its
/// end and the case of letters make no difference.
pub(crate) fn names_host(facts: &str, host: &str) -> bool {
    // Nearly always the name is nowhere in it: one look, then, and nothing is taken apart.
    if !contains_ignoring_case(facts.as_bytes(), host.as_bytes()) && !facts.contains('\\') {
        return false;
    }
    let Ok(facts) = serde_json::from_str::<Vec<(String, String)>>(facts) else {
        return false;
    };
    facts
        .iter()
        .filter(|(name, _)| HOST_FACTS.contains(&name.as_str()))
        .any(|(_, value)| is_under(value, host))
}

/// The host names among facts as keys of their sightings, each once.
pub(crate) fn host_keys(facts: &str) -> Vec<Vec<u8>> {
    let Ok(facts) = serde_json::from_str::<Vec<(String, String)>>(facts) else {
        return Vec::new();
    };
    let mut keys: Vec<Vec<u8>> = facts
        .iter()
        .filter(|(name, _)| HOST_FACTS.contains(&name.as_str()))
        .filter_map(|(_, value)| host_key(value))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// A host name as the key of its sightings: lower case, without a port, backwards, so that a domain and all names under
/// it lie side by side. None when nothing is left.
pub(crate) fn host_key(host: &str) -> Option<Vec<u8>> {
    let host = host.trim().trim_end_matches('.');
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    let key: Vec<u8> = host.to_ascii_lowercase().bytes().rev().collect();
    (!key.is_empty() && key.len() <= 253).then_some(key)
}

fn is_under(value: &str, host: &str) -> bool {
    let mut value = value.to_ascii_lowercase();
    value.truncate(value.trim_end_matches('.').len());
    value.push(':');
    let mut name = host.to_owned();
    name.push(':');
    value.starts_with(&name) || {
        name.insert(0, '.');
        value.contains(&name)
    }
}

fn contains_ignoring_case(text: &[u8], part: &[u8]) -> bool {
    part.is_empty()
        || text
            .windows(part.len())
            .any(|window| window.eq_ignore_ascii_case(part))
}

#[cfg(test)]
mod tests {
    use super::{host_key, names_host};

    #[test]
    fn names_under_a_domain_lie_side_by_side() {
        assert_eq!(host_key("Bad.Example."), Some(b"elpmaxe.dab".to_vec()));
        assert_eq!(host_key("bad.example:8080"), host_key("bad.example"));
        assert_eq!(host_key(" . "), None);
    }

    #[test]
    fn names_and_names_under_them() {
        let facts = r#"[["http.user_agent","bad.example"],["http.host","WWW.Bad.Example:8080"]]"#;
        assert!(names_host(facts, "bad.example"));
        assert!(names_host(facts, "www.bad.example"));
        assert!(!names_host(facts, "example.org"));
        assert!(!names_host(
            r#"[["http.user_agent","bad.example"]]"#,
            "bad.example"
        ));
        assert!(!names_host(
            r#"[["tls.sni","notbad.example"]]"#,
            "bad.example"
        ));
        assert!(names_host(
            r#"[["dns.query","bad.example."]]"#,
            "bad.example"
        ));
        assert!(!names_host("no JSON, bad.example", "bad.example"));
    }
}
