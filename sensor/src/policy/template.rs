//! The policy that `lapwing policy template` prints, to be edited by the ISP.

/// A minimal policy: findings of the three gravest severities and hourly summaries, subscribers' addresses withheld.
pub const TEMPLATE: &str = r#"# What may leave this network. This file belongs to the ISP. It counts only with the ISP's signature:
#   lapwing policy check policy.toml
#   lapwing policy sign --key isp.key policy.toml
# Payload and packets never leave; no setting allows it.

format = 1
serial = 1                    # raise it with each change
site = "NAME OF THE SITE"
operator = "NAME OF THE ISP, CONTACT"
# valid_until = "2028-12-31"  # after that day only heartbeats leave
# mode = "dns-only"           # or "indicators-only", or "infrastructure-only" with infrastructure = ["192.0.2.0/28"]
# rungs = [0, 1, 2]           # 0 hourly summaries, 1 findings, 2 what applications said; evidence (3) never leaves
# strict = true               # no free text leaves, whatever stands under facts
# retention_days = 30         # what waits here longer is removed

[findings]
send = true
severities = [1, 2, 3]        # 1 is the gravest; 4 stands for 4 and lighter
# Rule, severity, count, times and protocol always go with a finding. These go as well:
fields = [
    "source_address", "destination_address", "source_port", "destination_port",
    "app_protocol", "direction", "traffic", "flow_start",
]
# What the application layer said. A value that names a withheld address stays here.
facts = ["http.host", "http.method", "dns.query", "dns.rrtype", "tls.sni", "ja3.hash", "ja4.hash"]

[addresses]
# Your subscribers and your own machines, IPv4 and IPv6.
home_networks = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10"]
# addresses inside: "withhold", "pseudonym" or "pseudonym-without-prefixes" (lapwing policy new-epoch makes the key), "clear"
home = "withhold"
others = "clear"              # all other addresses: "withhold" or "clear"

[summaries]
send = true                   # once an hour: counts, losses, and these lists
top_lists = ["rules", "sources", "destinations"]

# Rules are egress too. A rule or indicator that names an address inside a home network never runs.
# [rules]
# origins = ["2000000-2799999", "9000000-9099999"]  # numbers of the sources that you take rules from
# groups = ["trojan-activity", "command-and-control"]  # class types
# indicator_lists = [1]
# may_name = ["192.0.2.53/32"]  # your own servers inside your home networks that rules may name

# [budget]
# day = "1 MiB"
# month = "20 MiB"
# quiet_hours = ["22:00-06:00"]  # UTC: nothing leaves but what is urgent
"#;
