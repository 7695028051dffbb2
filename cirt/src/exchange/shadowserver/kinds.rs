//! The kinds of reports that are known, told apart by name or by columns.

/// A kind of report.
#[derive(Debug, PartialEq, Eq)]
pub struct ReportKind {
    /// As in the names of the foundation's files.
    pub name: &'static str,
    /// Numbers of its rules are from this times 100,000 on: one for each family that a report can name.
    pub number: u32,
    /// What a row tells.
    pub message: &'static str,
    /// Class type of its rules.
    pub class_type: &'static str,
    /// 1 is gravest; where a row does not say it.
    pub severity: u32,
    /// What the service speaks.
    pub application: Option<&'static str>,
    /// Columns that together only this kind has; empty: it is known by its name alone.
    columns: &'static [&'static str],
}

const fn kind(
    name: &'static str,
    number: u32,
    message: &'static str,
    class_type: &'static str,
    severity: u32,
    application: Option<&'static str>,
    columns: &'static [&'static str],
) -> ReportKind {
    ReportKind {
        name,
        number,
        message,
        class_type,
        severity,
        application,
        columns,
    }
}

/// The more columns a kind needs, the earlier it stands.
#[rustfmt::skip]
const KINDS: &[ReportKind] = &[
    kind("event4_sinkhole_dns", 1, "Infected system asked a sinkhole's DNS", "trojan-activity", 1, Some("dns"),
        &["src_ip", "infection", "query", "query_type"]),
    kind("event4_sinkhole_http", 2, "Infected system reached an HTTP sinkhole", "trojan-activity", 1, Some("http"),
        &["src_ip", "infection", "http_url", "http_agent"]),
    kind("event6_sinkhole_http", 2, "Infected system reached an HTTP sinkhole", "trojan-activity", 1, Some("http"), &[]),
    kind("event4_honeypot_brute_force", 3, "System tried passwords at a honeypot", "default-login-attempt", 2, None,
        &["src_ip", "username", "password"]),
    kind("event4_honeypot_darknet", 4, "System scanned a network that nobody uses", "network-scan", 3, None, &[]),
    kind("event4_honeypot_http_scan", 5, "System scanned a web honeypot", "network-scan", 3, Some("http"), &[]),
    kind("event4_ddos_participant", 6, "System takes part in denial of service", "attempted-dos", 1, None, &[]),
    kind("event4_sinkhole", 7, "Infected system reached a sinkhole", "trojan-activity", 1, None,
        &["src_ip", "dst_ip", "infection", "family"]),
    kind("compromised_website", 8, "Web site is compromised", "successful-admin", 1, Some("http"),
        &["ip", "http_host", "detected_since", "category"]),
    kind("scan_dns", 9, "Open DNS resolver", "open-amplifier", 3, Some("dns"), &["ip", "min_amplification", "dns_version"]),
    kind("scan_ntp", 10, "NTP server that tells strangers its state", "open-amplifier", 3, Some("ntp"), &["ip", "clock", "stratum", "refid"]),
    kind("scan_snmp", 11, "Open SNMP", "open-information", 3, Some("snmp"), &["ip", "sysdesc", "sysname"]),
    kind("scan_rdp", 12, "Open remote desktop", "open-service", 3, Some("rdp"), &["ip", "rdp_protocol", "cert_length"]),
    kind("scan_smb", 13, "Open file sharing (SMB)", "open-service", 3, Some("smb"), &["ip", "smb_major_number", "smb_revision"]),
    kind("scan_telnet", 14, "Open telnet", "open-service", 3, Some("telnet"), &[]),
    kind("scan_ftp", 15, "Open FTP", "open-service", 3, Some("ftp"), &[]),
    kind("scan_vnc", 16, "Open remote desktop (VNC)", "open-service", 3, Some("rfb"), &[]),
    kind("blocklist", 17, "Address is on a block list", "blocklisted", 3, None, &["ip", "source", "reason"]),
];

impl ReportKind {
    /// The kind of a report. Its file name decides where it names one, since several kinds share their columns.
    #[must_use]
    pub fn of(file_name: &str, header: &[String]) -> Option<&'static Self> {
        let named = KINDS
            .iter()
            .filter(|kind| file_name.contains(kind.name))
            .max_by_key(|kind| kind.name.len());
        let has = |column: &&str| header.iter().any(|known| known == column);
        named.or_else(|| {
            KINDS
                .iter()
                .find(|kind| !kind.columns.is_empty() && kind.columns.iter().all(has))
        })
    }

    /// The names of all kinds.
    pub fn names() -> impl Iterator<Item = &'static str> {
        KINDS.iter().map(|kind| kind.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_decide_before_columns() {
        let columns = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        let of =
            |name: &str, text: &str| ReportKind::of(name, &columns(text)).map(|kind| kind.name);
        let sinkhole = "timestamp,src_ip,dst_ip,infection,family";
        assert_eq!(of("x.csv", sinkhole), Some("event4_sinkhole"));
        assert_eq!(
            of("2026-11-30-event4_honeypot_darknet-ex.csv", sinkhole),
            Some("event4_honeypot_darknet")
        );
        assert_eq!(
            of("2026-11-30-event4_sinkhole_http-ex.csv", sinkhole),
            Some("event4_sinkhole_http")
        );
        assert_eq!(
            of("x.csv", "timestamp,ip,dns_version,min_amplification"),
            Some("scan_dns")
        );
        assert_eq!(of("x.csv", "timestamp,ip"), None);
    }

    #[test]
    fn numbers_are_of_one_kind_each() {
        for (place, one) in KINDS.iter().enumerate() {
            for other in KINDS.iter().skip(place + 1) {
                assert!(
                    one.number != other.number || one.message == other.message,
                    "{}",
                    other.name
                );
            }
        }
    }
}
