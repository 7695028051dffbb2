//! What the sensor really runs: the one place where a buffer, a number or a protocol is switched on for rules.
//!
//! A rule that needs anything that is off here is named, counted and skipped; it is never half-run.

use crate::model::{AppProtocol, Buffer, Frame, HeaderField};

/// Why something is not run; `Ok` if it is.
pub type Support = Result<(), &'static str>;

/// Whether a buffer is filled.
///
/// # Errors
/// The reason why not.
pub fn buffer(buffer: Buffer) -> Support {
    match buffer {
        Buffer::FileMagic => Err(
            "what libmagic says follows from its database of 7 MB, which a small sensor does not carry",
        ),
        _ => Ok(()),
    }
}

/// Whether a number of a packet, flow or transaction is read.
///
/// # Errors
/// The reason why not.
pub fn field(_field: HeaderField) -> Support {
    Ok(())
}

/// Whether an application protocol is recognised in traffic, with or without a parser behind.
///
/// # Errors
/// The reason why not.
pub fn app_protocol(protocol: AppProtocol) -> Support {
    use AppProtocol as P;
    match protocol {
        P::Pop3 | P::Jabber | P::Irc | P::Msn => {
            Err("the reference's version 7.0 does not know it")
        }
        _ => Ok(()),
    }
}

/// Whether a protocol is parsed, so that its transactions carry buffers, numbers and files.
///
/// # Errors
/// The reason why not.
pub fn parser(protocol: AppProtocol) -> Support {
    use AppProtocol as P;
    match protocol {
        P::Http1 | P::Dns | P::Tls | P::Ssh | P::Dcerpc | P::Sip | P::Smtp | P::Ftp => Ok(()),
        P::Krb5 | P::Snmp | P::Ike | P::Dhcp | P::Enip | P::Smb => Ok(()),
        P::Http2 | P::FtpData | P::Mqtt | P::Modbus | P::Dnp3 | P::Pgsql => Ok(()),
        P::Nfs | P::Rfb | P::Telnet | P::Quic | P::Rdp | P::Ntp | P::Tftp => Ok(()),
        P::Ldap | P::Websocket => Ok(()),
        _ => Err("this version has no parser for it yet"),
    }
}

/// Whether a frame of a protocol is reported by its parser.
///
/// # Errors
/// The reason why not.
pub fn frame(protocol: AppProtocol, frame: Frame) -> Support {
    let is_reported = match frame.info().protocol {
        None => return parser(protocol),
        Some(
            AppProtocol::Dns
            | AppProtocol::Sip
            | AppProtocol::Tls
            | AppProtocol::Http1
            | AppProtocol::Smb
            | AppProtocol::Mqtt
            | AppProtocol::Nfs
            | AppProtocol::Rfb
            | AppProtocol::Telnet,
        ) => true,
        Some(_) => false,
    };
    if is_reported {
        Ok(())
    } else {
        Err("the parser does not report it yet")
    }
}

/// Whether the sensor has a feature that `requires:feature` names.
///
/// # Errors
/// The reason why not.
pub fn feature(name: &str) -> Support {
    match name {
        "ja3" | "ja4" => Ok(()),
        _ => Err("this version does not have this feature"),
    }
}

/// Whether an event is raised, by its full name (`http.missing_host_header`, `stream.…`, `decoder.…`, `applayer_…`).
///
/// # Errors
/// The reason why not.
pub fn event(name: &str) -> Support {
    let protocol = match name.split_once('.') {
        Some(("decoder" | "stream", _)) => return super::packet_events::is_raised(name),
        Some(("ikev2", _)) => "ike",
        Some((protocol, _)) => protocol,
        None => "",
    };
    if NEVER_SHOWN.contains(&name) {
        return Ok(());
    }
    let event = name.split_once('.').map_or(name, |(_, event)| event);
    let raised = EVENTS.iter().find(|(known, _)| *known == protocol);
    if raised.is_some_and(|(_, events)| events.contains(&event)) {
        return Ok(());
    }
    match NOT_RAISED.iter().find(|(known, _)| *known == name) {
        Some((_, reason)) => Err(reason),
        None => Err("the reference's version 7.0 does not know this event"),
    }
}

/// Every event that is raised, by its full name.
pub fn raised_events() -> impl Iterator<Item = String> {
    let of_protocols = EVENTS.iter().flat_map(|(protocol, events)| {
        events.iter().map(move |event| match *protocol {
            "" => (*event).to_owned(),
            protocol => format!("{protocol}.{event}"),
        })
    });
    of_protocols.chain(super::packet_events::raised())
}

/// Every event of a protocol that the reference knows and nothing here raises.
pub fn unraised_events() -> impl Iterator<Item = &'static str> {
    NOT_RAISED.iter().map(|(name, _)| *name)
}

/// Events that the reference raises and never shows, for what fails there is not inspected: their rules run and never match.
const NEVER_SHOWN: &[&str] = &["ntp.malformed_data", "rfb.malformed_message"];

/// Why nothing raises an event that was looked for in vain.
pub(super) const NOT_SEEN: &str =
    "made traffic of every kind did not bring the reference to raise it";
const OLD: &str = "the reference's version 7.0 knows the name and raises it nowhere";
const OFF: &str = "the reference raises it only where its settings ask for more than its defaults";
const QUEUES: &str = "the reference's defaults set no bounds for these queues";

/// Known to the reference and raised by nothing here, each with the reason.
const NOT_RAISED: &[(&str, &str)] = &[
    ("applayer_proto_detection_skipped", NOT_SEEN),
    ("dhcp.malformed_options", NOT_SEEN),
    ("dnp3.flooded", NOT_SEEN),
    ("dnp3.malformed", NOT_SEEN),
    ("http.double_encoded_uri", OFF),
    ("http.failed_protocol_change", NOT_SEEN),
    ("http.file_name_too_long", NOT_SEEN),
    ("http.invalid_authority_port", OLD),
    ("http.invalid_server_port_in_request", OLD),
    ("http.invalid_transfer_encoding_value_in_response", NOT_SEEN),
    ("http.lzma_memlimit_reached", NOT_SEEN),
    ("http.multipart_generic_error", NOT_SEEN),
    ("http.request_header_repetition", NOT_SEEN),
    ("http.request_line_invalid", NOT_SEEN),
    ("http.request_server_port_tcp_port_mismatch", OLD),
    ("http.response_header_repetition", NOT_SEEN),
    ("http.too_many_warnings", NOT_SEEN),
    ("http.unknown_error", NOT_SEEN),
    ("http2.extra_header_data", NOT_SEEN),
    ("http2.invalid_frame_header", NOT_SEEN),
    ("ike.malformed_data", NOT_SEEN),
    ("ike.multiple_server_proposal", NOT_SEEN),
    ("mqtt.missing_msg_id", NOT_SEEN),
    ("smb.internal_error", NOT_SEEN),
    ("smb.malformed_ntlmssp_request", NOT_SEEN),
    ("smb.read_queue_cnt_exceeded", QUEUES),
    ("smb.read_queue_size_exceeded", QUEUES),
    ("smb.request_to_client", NOT_SEEN),
    ("smb.response_to_server", NOT_SEEN),
    ("smb.write_queue_cnt_exceeded", QUEUES),
    ("smb.write_queue_size_exceeded", QUEUES),
    ("smtp.failed_protocol_change", NOT_SEEN),
    ("smtp.max_command_line_len_exceeded", NOT_SEEN),
    ("smtp.max_reply_line_len_exceeded", NOT_SEEN),
    ("smtp.mime_invalid_base64", NOT_SEEN),
    ("smtp.unable_to_match_reply_with_request", NOT_SEEN),
    ("tls.certificate_invalid_der", NOT_SEEN),
    ("tls.certificate_invalid_issuer", OLD),
    ("tls.certificate_invalid_subject", OLD),
    ("tls.certificate_invalid_validity", OLD),
    ("tls.heartbeat_message", NOT_SEEN),
    ("tls.invalid_tls_header", NOT_SEEN),
    ("tls.too_many_records_in_packet", NOT_SEEN),
];

/// Events of each protocol that are raised; those of protocol detection stand under no name.
const EVENTS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "applayer_detect_protocol_only_one_direction",
            "applayer_mismatch_protocol_both_directions",
            "applayer_no_tls_after_starttls",
            "applayer_unexpected_protocol",
            "applayer_wrong_direction_first_data",
        ],
    ),
    ("http", HTTP_EVENTS),
    ("http2", HTTP2_EVENTS),
    ("dns", DNS_EVENTS),
    ("smb", SMB_EVENTS),
    ("tls", TLS_EVENTS),
    (
        "quic",
        &["crypto_frag_too_long", "error_on_data", "failed_decrypt"],
    ),
    ("ssh", SSH_EVENTS),
    ("sip", &["incomplete_data", "invalid_data"]),
    ("smtp", SMTP_EVENTS),
    ("krb5", &["malformed_data", "weak_encryption"]),
    ("ike", IKE_EVENTS),
    (
        "rfb",
        &[
            "confused_state",
            "unimplemented_security_type",
            "unknown_security_result",
        ],
    ),
    (
        "ldap",
        &[
            "incomplete_data",
            "invalid_data",
            "request_not_found",
            "too_many_transactions",
        ],
    ),
    (
        "websocket",
        &["reassembly_limit_reached", "skip_end_of_payload"],
    ),
    ("nfs", &["malformed_data", "too_many_transactions"]),
    ("dhcp", &["truncated_options"]),
    (
        "snmp",
        &[
            "malformed_data",
            "unknown_security_model",
            "version_mismatch",
        ],
    ),
    ("dnp3", DNP3_EVENTS),
    ("mqtt", MQTT_EVENTS),
    ("modbus", MODBUS_EVENTS),
    (
        "ftp",
        &["request_command_too_long", "response_command_too_long"],
    ),
];

/// Events of protocol detection, all that the reference knows.
pub(crate) const IDENTIFICATION_EVENTS: &[&str] = &[
    "applayer_detect_protocol_only_one_direction",
    "applayer_mismatch_protocol_both_directions",
    "applayer_no_tls_after_starttls",
    "applayer_proto_detection_skipped",
    "applayer_unexpected_protocol",
    "applayer_wrong_direction_first_data",
];

const HTTP_EVENTS: &[&str] = &[
    "100_continue_already_seen",
    "abnormal_ce_header",
    "compression_bomb",
    "duplicate_content_length_field_in_request",
    "duplicate_content_length_field_in_response",
    "gzip_decompression_failed",
    "host_header_ambiguous",
    "invalid_content_length_field_in_request",
    "invalid_content_length_field_in_response",
    "invalid_request_chunk_len",
    "invalid_request_field_folding",
    "invalid_response_chunk_len",
    "invalid_response_field_folding",
    "invalid_transfer_encoding_value_in_request",
    "method_delim_non_compliant",
    "missing_host_header",
    "multipart_invalid_header",
    "multipart_no_filedata",
    "range_invalid",
    "request_auth_unrecognized",
    "request_body_unexpected",
    "request_chunk_extension",
    "request_field_missing_colon",
    "request_field_too_long",
    "request_header_host_invalid",
    "request_header_invalid",
    "request_line_incomplete",
    "request_line_leading_whitespace",
    "request_too_many_headers",
    "request_uri_host_invalid",
    "response_abnormal_transfer_encoding",
    "response_body_unexpected",
    "response_chunked_old_proto",
    "response_field_missing_colon",
    "response_field_too_long",
    "response_header_invalid",
    "response_invalid_protocol",
    "response_invalid_status",
    "response_multipart_byteranges",
    "response_too_many_headers",
    "too_many_encoding_layers",
    "unable_to_match_response_to_request",
    "uri_delim_non_compliant",
];

const HTTP2_EVENTS: &[&str] = &[
    "authority_host_mismatch",
    "failed_decompression",
    "header_integer_overflow",
    "invalid_client_magic",
    "invalid_frame_data",
    "invalid_frame_length",
    "invalid_header",
    "invalid_http1_settings",
    "invalid_range",
    "long_frame_data",
    "reassembly_limit_reached",
    "stream_id_reuse",
    "too_many_streams",
    "userinfo_in_uri",
];

const DNS_EVENTS: &[&str] = &[
    "infinite_loop",
    "invalid_opcode",
    "malformed_data",
    "name_too_long",
    "not_request",
    "not_response",
    "too_many_labels",
    "z_flag_set",
];

const SMB_EVENTS: &[&str] = &[
    "duplicate_negotiate",
    "file_overlap",
    "malformed_data",
    "negotiate_malformed_dialects",
    "negotiate_max_read_size_too_large",
    "negotiate_max_write_size_too_large",
    "read_request_too_large",
    "read_response_too_large",
    "record_overflow",
    "too_many_transactions",
    "write_request_too_large",
];

const TLS_EVENTS: &[&str] = &[
    "certificate_invalid_algorithmidentifier",
    "certificate_invalid_date",
    "certificate_invalid_extensions",
    "certificate_invalid_length",
    "certificate_invalid_serial",
    "certificate_invalid_version",
    "certificate_invalid_x509name",
    "dataleak_heartbeat_mismatch",
    "error_message_encountered",
    "handshake_invalid_length",
    "invalid_certificate",
    "invalid_handshake_message",
    "invalid_heartbeat_message",
    "invalid_record_type",
    "invalid_record_version",
    "invalid_sni_length",
    "invalid_sni_type",
    "invalid_ssl_record",
    "invalid_sslv2_header",
    "multiple_sni_extensions",
    "overflow_heartbeat_message",
];

const IKE_EVENTS: &[&str] = &[
    "invalid_proposal",
    "no_encryption",
    "unknown_proposal",
    "weak_crypto_auth",
    "weak_crypto_dh",
    "weak_crypto_enc",
    "weak_crypto_no_auth",
    "weak_crypto_no_dh",
    "weak_crypto_prf",
];

const DNP3_EVENTS: &[&str] = &[
    "bad_link_crc",
    "bad_transport_crc",
    "len_too_small",
    "unknown_object",
];

const MODBUS_EVENTS: &[&str] = &[
    "flooded",
    "invalid_exception_code",
    "invalid_function_code",
    "invalid_length",
    "invalid_protocol_id",
    "invalid_value",
    "unsolicited_response",
    "value_mismatch",
];

const MQTT_EVENTS: &[&str] = &[
    "double_connect",
    "invalid_qos_level",
    "malformed_traffic",
    "missing_connect",
    "missing_publish",
    "missing_subscribe",
    "missing_unsubscribe",
    "too_many_transactions",
    "unassigned_msg_type",
    "unintroduced_message",
];

const SSH_EVENTS: &[&str] = &["invalid_banner", "invalid_record", "long_banner"];

const SMTP_EVENTS: &[&str] = &[
    "bdat_chunk_len_exceeded",
    "data_command_rejected",
    "duplicate_fields",
    "invalid_pipelined_sequence",
    "invalid_reply",
    "mime_invalid_qp",
    "mime_long_boundary",
    "mime_long_enc_line",
    "mime_long_filename",
    "mime_long_header_name",
    "mime_long_header_value",
    "mime_long_line",
    "mime_malformed_msg",
    "mime_parse_failed",
    "no_server_welcome_message",
    "tls_rejected",
    "truncated_line",
    "unparsable_content",
];

/// Whether expressions with look-around, back-references, atomic groups or possessive quantifiers are run.
///
/// # Errors
/// The reason why not.
pub fn backtracking_regex() -> Support {
    Ok(())
}
