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
home = "withhold"             # addresses inside: "withhold" or "clear"
others = "clear"              # all other addresses: "withhold" or "clear"

[summaries]
send = true                   # once an hour: counts, losses, and these lists
top_lists = ["rules", "sources", "destinations"]
"#;
