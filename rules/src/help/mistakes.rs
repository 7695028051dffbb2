//! What keeps a rule from being loaded or run, and what the parser warns of: a page for each code.

use crate::diagnostic::Level;

/// One kind of mistake.
#[derive(Debug)]
pub struct Mistake {
    /// Stable name, as `unknown-keyword`.
    pub code: &'static str,
    /// How bad it is.
    pub level: Level,
    page: &'static str,
}

impl Mistake {
    /// Its help page as Markdown.
    #[must_use]
    pub fn page(&self) -> String {
        super::without_margin(self.page)
    }
}

/// Each entry is a doc comment, a code and a level.
macro_rules! mistakes {
    ($($(#[doc = $page:literal])+ $code:literal, $level:ident;)*) => {
        /// Every mistake that the parser and the compiler tell.
        pub(super) static MISTAKES: &[Mistake] = &[$(Mistake {
            code: $code,
            level: Level::$level,
            page: concat!($($page, "\n"),+),
        },)*];
    };
}

mistakes! {
    /// The line is not built as a rule is.
    ///
    /// A rule is `action protocol source port -> destination port (option; option:value;)`. Each option ends in a semicolon; one
    /// inside a value is written `\;`.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd" sid:1)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; sid:1;)
    /// ```
    "syntax", Error;

    /// A line that begins with a space is ignored.
    ///
    /// The reference passes over such a line without a word, so a rule that was indented by accident is not there.
    ///
    /// ```text
    ///  alert tcp any any -> any any (msg:"x"; content:"abcd"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; sid:1;)
    /// ```
    "ignored-line", Warning;

    /// The rule, or a list in it, is longer than is read.
    ///
    /// A rule has at most 64 KiB and 512 options. A long list of addresses or names belongs into a variable.
    "too-long", Error;

    /// There are more rules than a pack holds.
    "too-many-rules", Error;

    /// A rule that can never match, as in the reference.
    ///
    /// The reference's `prefilter` knows only `=`, `<`, `>` and ranges of a number, and a negated `ssl_version` holds for no
    /// flow. Such a rule is loaded there and never alerts; here too.
    ///
    /// ```text
    /// alert icmp any any -> any any (msg:"x"; itype:>=8; prefilter; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert icmp any any -> any any (msg:"x"; itype:>7; prefilter; sid:1;)
    /// ```
    "never-matches", Warning;

    /// A line of `threshold.config` limits no rule.
    ///
    /// Either no rule has its `gen_id` and `sig_id`, or the rules it is about keep the limit they have: only an `event_filter`
    /// for one rule replaces the limit that the rule has itself.
    "limit-without-effect", Warning;

    /// The first word is no action.
    ///
    /// A rule begins with `alert`, `pass`, `drop` or `reject` (also `rejectsrc`, `rejectdst`, `rejectboth`). A sensor only
    /// watches: `drop` and `reject` alert.
    ///
    /// ```text
    /// alarm tcp any any -> any any (msg:"x"; content:"abcd"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; sid:1;)
    /// ```
    "unknown-action", Error;

    /// The second word is no protocol.
    ///
    /// ```text
    /// alert https any any -> any any (msg:"x"; content:"abcd"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tls any any -> any any (msg:"x"; content:"abcd"; sid:1;)
    /// ```
    "unknown-protocol", Error;

    /// The arrow is neither `->` nor `<>`.
    ///
    /// ```text
    /// alert tcp any any <- any 80 (msg:"x"; content:"abcd"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any 80 -> any any (msg:"x"; content:"abcd"; sid:1;)
    /// ```
    "unknown-arrow", Error;

    /// A group of addresses or ports is empty.
    ///
    /// What is negated takes away all that is there.
    ///
    /// ```text
    /// alert tcp any any -> any [80,!80] (msg:"x"; content:"abcd"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any [80:90,!85] (msg:"x"; content:"abcd"; sid:1;)
    /// ```
    "empty-group", Error;

    /// A word that is no keyword.
    ///
    /// `lapwing rules keywords` lists them all.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; contnet:"abcd"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; sid:1;)
    /// ```
    "unknown-keyword", Error;

    /// A keyword of a version that is newer than the language spoken here.
    ///
    /// Rules are in the language of Suricata 7.0, unless they are said to be written for version 8 (`--language 8`).
    ///
    /// ```text
    /// alert dns any any -> any any (msg:"x"; dns.queries.rrname; content:"abcd"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert dns any any -> any any (msg:"x"; dns.query; content:"abcd"; sid:1;)
    /// ```
    "newer-keyword", Error;

    /// A keyword without the value that it needs.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; sid:1;)
    /// ```
    "missing-value", Error;

    /// A value behind a keyword that takes none.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; nocase:yes; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; nocase; sid:1;)
    /// ```
    "unexpected-value", Error;

    /// A value that is not what its keyword takes.
    ///
    /// `lapwing rules keywords NAME` shows the shape of the value.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"|0|"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"|00|abcd"; sid:1;)
    /// ```
    "bad-value", Error;

    /// A keyword stands twice where it may stand once.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; nocase; nocase; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; nocase; sid:1;)
    /// ```
    "duplicate-keyword", Error;

    /// The number of the rule is taken.
    ///
    /// Of two rules with the same number and different revisions the higher one is loaded. With the same revision one is left out.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"one"; content:"abcd"; sid:1; rev:1;)
    /// alert tcp any any -> any any (msg:"two"; content:"efgh"; sid:1; rev:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"one"; content:"abcd"; sid:1; rev:1;)
    /// alert tcp any any -> any any (msg:"two"; content:"efgh"; sid:2; rev:1;)
    /// ```
    "duplicate-rule", Error;

    /// The rule has no number.
    ///
    /// Alerts, thresholds and differences between sets go by it. Numbers of your own begin at 1000000.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd";)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; sid:1000001;)
    /// ```
    "missing-sid", Error;

    /// A modifier has no content before it.
    ///
    /// `nocase`, `depth` and the like change the content before them.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; nocase; content:"abcd"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; nocase; sid:1;)
    /// ```
    "modifier-without-content", Error;

    /// `bsize` has no buffer before it.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; bsize:10; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; http.uri; content:"abcd"; bsize:10; sid:1;)
    /// ```
    "modifier-without-buffer", Error;

    /// An older modifier behind a sticky buffer.
    ///
    /// The sticky buffer has said already where the content is.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; http.uri; content:"abcd"; http_uri; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; http.uri; content:"abcd"; sid:1;)
    /// ```
    "modifier-after-sticky-buffer", Error;

    /// Positions that exclude each other.
    ///
    /// `offset`, `depth` and `startswith` count from the start of the buffer, `distance` and `within` from the match before.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"ab"; content:"cd"; offset:2; distance:1; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"ab"; content:"cd"; distance:1; sid:1;)
    /// ```
    "contradictory-positions", Error;

    /// A content is longer than the place it has.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; depth:2; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; depth:4; sid:1;)
    /// ```
    "impossible-position", Error;

    /// The contents need more bytes than the buffer may have.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; http.uri; content:"abcd"; bsize:3; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; http.uri; content:"abcd"; bsize:4; sid:1;)
    /// ```
    "impossible-size", Error;

    /// A content that must be absent, or must stand at a place, is to be looked for first.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; content:!"efgh"; offset:3; fast_pattern; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; fast_pattern; content:!"efgh"; offset:3; sid:1;)
    /// ```
    "negated-fast-pattern", Error;

    /// A buffer is opened and nothing is asked of it.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; http.uri; http.host; content:"abcd"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; http.host; content:"abcd"; sid:1;)
    /// ```
    "empty-buffer", Error;

    /// `http.host` is in lower case.
    ///
    /// A content with capital letters would never match there, and `nocase` says nothing.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; http.host; content:"Evil.example"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; http.host; content:"evil.example"; sid:1;)
    /// ```
    "host-is-lower-case", Error;

    /// A request method neither begins nor ends with a space.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; http.method; content:"POST "; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; http.method; content:"POST"; sid:1;)
    /// ```
    "method-has-space", Error;

    /// A transform does not stand right behind a sticky buffer.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; http.host; content:".evil.example"; dotprefix; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; http.host; dotprefix; content:".evil.example"; sid:1;)
    /// ```
    "misplaced-transform", Error;

    /// A keyword of one application protocol in a rule about another.
    ///
    /// ```text
    /// alert tls any any -> any any (msg:"x"; http.uri; content:"abcd"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; http.uri; content:"abcd"; sid:1;)
    /// ```
    "protocol-conflict", Error;

    /// The rule asks for what the client sends and for what the server sends.
    ///
    /// A rule is about one of the two; `flow` and every buffer must agree. A flow bit carries what was seen from one side to the
    /// other.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; http.uri; content:"abcd"; http.stat_code; content:"200"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; http.uri; content:"abcd"; sid:1;)
    /// ```
    "contradictory-directions", Error;

    /// The rule's header lets no packets through that carry the frame.
    ///
    /// Frames lie in TCP streams, and in UDP datagrams where the protocol runs on them.
    ///
    /// ```text
    /// alert icmp any any -> any any (msg:"x"; frame:dns.pdu; content:"abcd"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert dns any any -> any any (msg:"x"; frame:dns.pdu; content:"abcd"; sid:1;)
    /// ```
    "frame-without-stream", Error;

    /// A rule looks into a frame and into something else.
    ///
    /// A rule about frames looks into frames only. Two rules tied together by a flow bit see both.
    ///
    /// ```text
    /// alert tls any any -> any any (msg:"x"; tls.sni; content:"abcd"; frame:tls.pdu; content:"efgh"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tls any any -> any any (msg:"x"; frame:tls.pdu; content:"efgh"; sid:1;)
    /// ```
    "frame-with-others", Error;

    /// A rule looks at fields of a single packet, and at the stream or at what a parser made of it.
    ///
    /// `dsize`, `flags`, `ttl` and the like are about one packet. A request, an answer or a reassembled stream lies in several.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; dsize:>100; http.uri; content:"abcd"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; http.uri; content:"abcd"; sid:1;)
    /// ```
    "packet-with-stream", Error;

    /// An address, a group of addresses, or a variable of addresses that cannot be read.
    ///
    /// Groups are lists in brackets, `!` negates, `$NAME` is a variable of the settings (`--vars`).
    ///
    /// ```text
    /// alert tcp 10.0.0.300 any -> any any (msg:"x"; content:"abcd"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp [10.0.0.0/8,!10.1.0.0/16] any -> any any (msg:"x"; content:"abcd"; sid:1;)
    /// ```
    "bad-address", Error;

    /// A port, a group of ports, or a variable of ports that cannot be read.
    ///
    /// Ranges are written `80:90`, `:1023` and `1024:`.
    ///
    /// ```text
    /// alert tcp any any -> any 80-90 (msg:"x"; content:"abcd"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any [80:90,443] (msg:"x"; content:"abcd"; sid:1;)
    /// ```
    "bad-port", Error;

    /// A regular expression that cannot be read.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; pcre:"/abcd(/"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; pcre:"/abcd\(/"; sid:1;)
    /// ```
    "bad-regex", Error;

    /// What is looked for first could not be put together.
    ///
    /// This is not the rules' fault; tell the makers of Lapwing.
    "prefilter", Error;

    /// A value stands in quotes that takes none.
    ///
    /// Texts stand in double quotes; numbers, names and lists stand without. The reference refuses quotes where it wants none.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; depth:"10"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; depth:10; sid:1;)
    /// ```
    "unexpected-quotes", Error;

    /// A `prefilter` has nothing before it that it can be about.
    ///
    /// It is for one keyword of a rule that looks at a number, a state or a content. Leaving it out changes nothing in what matches.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; flowbits:isset,seen; prefilter; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; dsize:>10; prefilter; sid:1;)
    /// ```
    "misplaced-prefilter", Error;

    /// The rule asks for files of a protocol that carries none.
    ///
    /// Files are of http, http2, smtp, smb, nfs and ftp-data; names of files are not of http2.
    ///
    /// ```text
    /// alert dns any any -> any any (msg:"x"; file.data; content:"abcd"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert smtp any any -> any any (msg:"x"; file.data; content:"abcd"; sid:1;)
    /// ```
    "no-files", Error;

    /// Raw headers do not say whose they are.
    ///
    /// Requests and responses both have headers, and `http.header.raw` is looked for in one of them: say which by `flow`.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; http.header.raw; content:"abcd"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server; http.header.raw; content:"abcd"; sid:1;)
    /// ```
    "missing-direction", Error;

    /// A content has letters that its buffer cannot have.
    ///
    /// Behind `to_lowercase` a buffer has no upper case, behind `to_uppercase` no lower case.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; http.uri; to_lowercase; content:"ABCD"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; http.uri; to_lowercase; content:"abcd"; sid:1;)
    /// ```
    "impossible-case", Error;

    /// A list is asked without a buffer before it.
    ///
    /// `dataset` and `datarep` ask whether what stands in a buffer is in a list, so they follow a sticky buffer.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; content:"abcd"; dataset:isset,names,type string; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; http.host; dataset:isset,names,type string; sid:1;)
    /// ```
    "list-without-buffer", Error;

    /// A list has no type.
    ///
    /// The first rule that names a list says what its entries are, as `type string`; the others may leave it out.
    "list-without-type", Error;

    /// A list has two types.
    ///
    /// A rule before this one says that the entries of the list are of another type. A list of another type needs another name.
    "list-of-two-types", Error;

    /// A list cannot be read.
    ///
    /// The file is not beside the rule file, or a line of it is no entry of the type that the rule says.
    "unreadable-list", Error;

    /// All lists together have too many entries.
    "lists-too-large", Error;

    /// A line of a list of indicators is not as it should be.
    ///
    /// Lists are CSV files whose first line names the columns: kind, value, id, and perhaps severity, list and list_name. The line that
    /// is wrong is left out; what is wrong stands in the remark.
    "indicator", Error;

    /// A line of a file of reputations is not as it should be.
    ///
    /// A line of the file of categories is a number from 1 to 59, a short name, and what it is, with commas between. A line of a
    /// file of reputations is an address or a network, the number of a category, and a score from 0 to 127. The line that is
    /// wrong is left out; what is wrong stands in the remark.
    "bad-reputation", Error;

    /// A class type that is not in `classification.config`.
    ///
    /// The rule is loaded with priority 3.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; classtype:evil; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; classtype:trojan-activity; sid:1;)
    /// ```
    "unknown-class-type", Warning;

    /// A reference system that is not in `reference.config`.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; reference:web,cert.example/7; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; reference:url,cert.example/7; sid:1;)
    /// ```
    "unknown-reference", Warning;

    /// The rule is valid, and this version does not run it.
    ///
    /// It needs a keyword, buffer, protocol or event that is not there yet. It is named with its reason and left out; it is never
    /// half-run. `lapwing rules coverage` counts such rules by reason.
    "unsupported", Unsupported;
}
