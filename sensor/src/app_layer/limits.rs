//! Every cap of the application layer, with its unit. Nothing a peer sends can make a parser hold more than these.

/// Bytes of one direction kept while its protocol is not known. Behind that the flow is given up.
pub const IDENTIFY_HELD_BYTES_MAX: usize = 16 * 1024;
/// Events of the application layer as a whole (not of a transaction) kept for one packet.
pub const FLOW_EVENTS_MAX: usize = 4;

/// Frames one direction of a flow holds that were not inspected to their end; further ones are not kept (the reference's
/// three fixed ones and 256 more).
pub const FRAMES_MAX: usize = 259;
/// Bytes one direction keeps for frames that are not inspected to their end; older ones go.
pub const FRAME_WINDOW_BYTES_MAX: usize = 1024 * 1024;
/// A frame that is still growing is inspected from so many bytes on.
pub const FRAME_CHUNK_BYTES: u64 = 2_500;

/// Transactions one flow holds; the oldest goes when another comes.
pub const TRANSACTIONS_MAX: usize = 256;
/// Different events kept of one transaction.
pub const TRANSACTION_EVENTS_MAX: usize = 32;

/// HTTP/1: bytes of one line, header field or chunk length line (the reference's hard field limit).
pub const HTTP_LINE_BYTES_MAX: usize = 18_000;
/// HTTP/1: header fields of one message.
pub const HTTP_HEADERS_MAX: usize = 1_024;
/// HTTP/1: bytes of one header block.
pub const HTTP_HEADER_BLOCK_BYTES_MAX: usize = 64 * 1024;
/// HTTP/1: repetitions of header fields that are joined; further ones are dropped.
pub const HTTP_HEADER_REPETITIONS_MAX: usize = 64;
/// HTTP/1: bytes kept of one body, decoded (`request-body-limit`, `response-body-limit`).
pub const HTTP_BODY_BYTES_MAX: usize = 100 * 1024;
/// HTTP/1: a growing request body is inspected from this size on.
pub const HTTP_REQUEST_BODY_INSPECT_BYTES_MIN: usize = 32 * 1024;
/// HTTP/1: a growing response body is inspected from this size on.
pub const HTTP_RESPONSE_BODY_INSPECT_BYTES_MIN: usize = 40 * 1024;
/// HTTP/1: content codings that are undone one after the other.
pub const HTTP_CODING_LAYERS_MAX: usize = 2;
/// HTTP/1: files taken out of one multipart body.
pub const HTTP_MULTIPART_FILES_MAX: usize = 16;
/// HTTP/1: bytes of one part's header block.
pub const HTTP_PART_HEADER_BYTES_MAX: usize = 4 * 1024;
/// HTTP/1: bytes that undoing content codings may produce for one body, over all layers (compression bombs).
pub const HTTP_DECODED_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// HTTP/1: compressed bytes kept while nothing came out yet, to show them as they are when decoding fails.
pub const HTTP_UNDECODED_BYTES_MAX: usize = 4 * 1024;

/// HTTP/2: payload of one frame that is read as a whole; of a longer one only its beginning is.
pub const HTTP2_FRAME_BYTES_MAX: usize = 65_535;
/// HTTP/2: bytes read of the payload of a longer frame.
pub const HTTP2_LONG_FRAME_READ_BYTES: usize = 256;
/// HTTP/2: bytes of one compressed header block over its frames (`max-reassembly-size`).
pub const HTTP2_HEADER_BLOCK_BYTES_MAX: usize = 102_400;
/// HTTP/2: bytes of a dynamic table, by HPACK's reckoning (`max-table-size`).
pub const HTTP2_HEADER_TABLE_BYTES_MAX: usize = 65_536;
/// HTTP/2: header fields kept of one direction of a stream.
pub const HTTP2_HEADERS_MAX: usize = 1_024;
/// HTTP/2: bytes of the fields of one header block, decoded.
pub const HTTP2_HEADER_LIST_BYTES_MAX: usize = 256 * 1024;
/// HTTP/2: different numbers of frames kept of one direction of a stream.
pub const HTTP2_NUMBERS_MAX: usize = 256;
/// HTTP/2: streams that went unfinished before it is told (`max-streams`).
pub const HTTP2_STREAMS_MAX: u64 = 4_096;
/// HTTP/2: a growing body is inspected from this size on.
pub const HTTP2_BODY_INSPECT_BYTES_MIN: usize = 32_768;

/// MQTT: bytes of the length in a fixed header (MQTT 5.0, section 1.5.5).
pub const MQTT_LENGTH_BYTES_MAX: usize = 4;
/// MQTT: bytes of one message behind its fixed header; a longer one is passed over (`max-msg-length`).
pub const MQTT_MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// MQTT: topics kept of one message (`subscribe-topic-match-limit`, `unsubscribe-topic-match-limit`).
pub const MQTT_TOPICS_MAX: usize = 100;
/// MQTT: transactions of a connection that were never closed; with more it is told (`max-tx`, which the reference looks at
/// before it adds one).
pub const MQTT_OPEN_TRANSACTIONS_MAX: usize = 1_025;

/// Modbus: requests of a connection that had no response; with more it is told, and no further ones are kept (`request-flood`).
pub const MODBUS_OPEN_REQUESTS_MAX: usize = 500;

/// DNP3: bytes kept of one message of the application layer.
pub const DNP3_MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// DNP3: headers of objects read of one message.
pub const DNP3_OBJECT_HEADERS_MAX: usize = 256;

/// DNS: bytes of one name in text form; a longer one is cut.
pub const DNS_NAME_BYTES_MAX: usize = 1_025;
/// DNS: labels and compression pointers followed for one name.
pub const DNS_NAME_HOPS_MAX: usize = 255;
/// DNS: questions and records read of one message, per section.
pub const DNS_SECTION_ENTRIES_MAX: usize = 1_024;
/// DNS over TCP: bytes of one message with its length prefix.
pub const DNS_TCP_MESSAGE_BYTES_MAX: usize = 2 + 65_535;

/// TLS: bytes of one handshake message put together from records; a longer one is passed over.
pub const TLS_HANDSHAKE_BYTES_MAX: usize = 128 * 1024;
/// TLS: bytes of one record's payload (RFC 8446, section 5.2, with the room older versions leave).
pub const TLS_RECORD_BYTES_MAX: usize = 16_384 + 2_048;
/// TLS: certificates kept of one chain.
pub const TLS_CERTIFICATES_MAX: usize = 16;
/// TLS: extensions read of one hello.
pub const TLS_EXTENSIONS_MAX: usize = 256;

/// QUIC: packets read of one datagram.
pub const QUIC_PACKETS_MAX: usize = 64;
/// QUIC: bytes of the handshake of one direction that are put together, and of its pieces that came early.
pub const QUIC_CRYPTO_BYTES_MAX: usize = 65_534;
/// QUIC: pieces of the handshake that wait for what stands before them.
pub const QUIC_CRYPTO_PIECES_MAX: usize = 256;
/// QUIC: tags read of one message of Google's handshake.
pub const QUIC_TAGS_MAX: usize = 128;

/// DCERPC: presentation contexts read of one bind.
pub const DCERPC_CONTEXTS_MAX: usize = 255;
/// DCERPC: bytes kept of one call's arguments, and of its results.
pub const DCERPC_STUB_BYTES_MAX: usize = 100 * 1024;

/// SMB: bytes of one record that is put together; a longer one is passed over, but for the bytes of files.
pub const SMB_RECORD_BYTES_MAX: usize = 1024 * 1024;
/// SMB: a larger read or write that a server agrees to is an event (`max-read-size`, `max-write-size`).
pub const SMB_AGREED_BYTES_MAX: u32 = 16 * 1024 * 1024;
/// SMB: bytes of a read or write that must be there before it is taken in parts.
pub const SMB_PARTIAL_RECORD_BYTES_MIN: usize = 512;
/// SMB: trees, open files, and requests whose answers are still to come, of each kind.
pub const SMB_OPEN_MAX: usize = 256;
/// SMB: exchanges that are open before it is told (`max-tx`, which the reference looks at before it adds one).
pub const SMB_OPEN_TRANSACTIONS_MAX: u64 = 1_025;
/// SMB: bytes kept of a share's, pipe's or file's name.
pub const SMB_NAME_BYTES_MAX: usize = 4_096;
/// SMB: commands chained in one record.
pub const SMB_CHAIN_MAX: usize = 128;
/// SMB: bytes kept of an answer from a pipe that came in parts.
pub const SMB_PIPE_BYTES_MAX: usize = 128 * 1024;
/// NTLMSSP: bytes kept of a user's or domain's name.
pub const NTLMSSP_NAME_BYTES_MAX: usize = 1_024;

/// Files: bytes kept of one file in transfer (`content-limit`).
pub const FILE_BYTES_MAX: usize = 100_000;
/// Files: a growing file is inspected from this size on (`content-inspect-min-size`).
pub const FILE_INSPECT_BYTES_MIN: usize = 32_768;
/// Files: pieces kept of one file that came before their turn, and their bytes.
pub const FILE_EARLY_PIECES_MAX: usize = 64;
/// Files: bytes of those pieces.
pub const FILE_EARLY_BYTES_MAX: usize = 256 * 1024;

/// NFS: bytes of one record that is put together; a longer one is passed over, but for the bytes of files.
pub const NFS_RECORD_BYTES_MAX: usize = 1024 * 1024;
/// NFS: calls whose reply is still to come.
pub const NFS_CALLS_MAX: usize = 1_024;
/// NFS: calls without reply before it is told (`max-tx`).
pub const NFS_UNANSWERED_CALLS_MAX: u64 = 1_024;
/// NFS: names of files that are remembered.
pub const NFS_NAMES_MAX: usize = 4_096;
/// NFS: bytes kept of one name.
pub const NFS_NAME_BYTES_MAX: usize = 1_024;
/// NFS: bytes of one handle that is followed (RFC 8881, section 3.3.4, allows 128).
pub const NFS_HANDLE_BYTES_MAX: usize = 128;
/// NFS: entries read of one listing of a directory.
pub const NFS_ENTRIES_MAX: usize = 4_096;
/// NFS: operations of one compound; one of more is malformed.
pub const NFS_OPERATIONS_MAX: u32 = 64;
/// NFS: bytes of one read or write that is followed.
pub const NFS_TRANSFER_BYTES_MAX: u32 = 16_777_216;
/// ONC RPC: bytes of credentials and of a verifier; longer ones are malformed.
pub const RPC_CREDENTIALS_BYTES_MAX: u32 = 4_095;
/// ONC RPC: bytes of a machine's name in credentials.
pub const RPC_MACHINE_BYTES_MAX: u32 = 255;

/// RFB: bytes of one message of the handshake; the name of a desktop is the only one that can be long.
pub const RFB_MESSAGE_BYTES_MAX: usize = 128 * 1024;

/// Telnet: bytes of a line or of a subnegotiation without its end; behind that the connection is given up.
pub const TELNET_UNIT_BYTES_MAX: usize = 64 * 1024;

/// SSH: bytes of the banner line (RFC 4253, section 4.2, allows 255).
pub const SSH_BANNER_BYTES_MAX: usize = 256;
/// SSH: bytes of one packet before encryption (RFC 4253, section 6.1).
pub const SSH_PACKET_BYTES_MAX: usize = 35_000;

/// SIP: header fields of one message.
pub const SIP_HEADERS_MAX: usize = 512;

/// SMTP: bytes of one command or reply line, and of one piece of a mail's line.
pub const SMTP_LINE_BYTES_MAX: usize = 4_096;
/// SMTP: commands that wait for their reply; the replies to further ones are not matched.
pub const SMTP_WAITING_COMMANDS_MAX: usize = 1_024;
/// SMTP: files kept of one mail.
pub const SMTP_FILES_MAX: usize = 16;
/// SMTP: bytes kept of one file, decoded (`content-limit`).
pub const SMTP_FILE_BYTES_MAX: usize = 100_000;
/// SMTP: a growing file is inspected from this size on (`content-inspect-min-size`).
pub const SMTP_FILE_INSPECT_BYTES_MIN: usize = 32_768;
/// MIME: a longer line is an event.
pub const MIME_LINE_BYTES_MAX: usize = 998;
/// MIME: a longer line in base64 or quoted-printable is an event.
pub const MIME_ENCODED_LINE_BYTES_MAX: usize = 76;
/// MIME: bytes kept of one header field.
pub const MIME_FIELD_BYTES_MAX: usize = 4_096;
/// MIME: a longer field name is an event.
pub const MIME_FIELD_NAME_BYTES_MAX: usize = 75;
/// MIME: a longer field value is an event (`header-value-depth`).
pub const MIME_FIELD_VALUE_BYTES_MAX: usize = 2_000;
/// MIME: bytes of a boundary; with a longer one the mail is not read on.
pub const MIME_BOUNDARY_BYTES_MAX: usize = 254;
/// MIME: bytes kept of a file name.
pub const MIME_FILE_NAME_BYTES_MAX: usize = 255;
/// MIME: multiparts within multiparts, and mails within mails.
pub const MIME_DEPTH_MAX: usize = 32;

/// FTP: bytes of one command or reply line.
pub const FTP_LINE_BYTES_MAX: usize = 4_096;
/// FTP: bytes kept of a file's name.
pub const FTP_FILE_NAME_BYTES_MAX: usize = 4_096;
/// FTP: bytes kept of one file.
pub const FTP_FILE_BYTES_MAX: usize = 100_000;
/// FTP: a growing file is inspected from this size on.
pub const FTP_FILE_INSPECT_BYTES_MIN: usize = 32_768;

/// Kerberos: bytes of one record over a stream; the reference gives up above it.
pub const KERBEROS_RECORD_BYTES_MAX: usize = 100_000;
/// Kerberos: parts of a name that are kept.
pub const KERBEROS_NAME_PARTS_MAX: usize = 64;

/// LDAP: bytes of one message that is put together; of a longer one only number and operation are read.
pub const LDAP_MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// LDAP: responses to one request whose operation and result are kept; of more only the newest.
pub const LDAP_RESPONSES_MAX: u64 = 4_096;
/// LDAP: names, messages or attributes kept of one request or of all its responses, of each kind.
pub const LDAP_TEXTS_MAX: usize = 256;
/// LDAP: bytes of one such text.
pub const LDAP_TEXT_BYTES_MAX: usize = 4_096;
/// LDAP: bytes of all texts of one kind of the responses to one request.
pub const LDAP_TEXTS_BYTES_MAX: usize = 64 * 1024;

/// WebSocket: bytes kept of one frame's payload, and of one message (`max-payload-size`).
pub const WEBSOCKET_PAYLOAD_BYTES_MAX: usize = 65_535;
/// WebSocket: bytes that one compressed message may produce.
pub const WEBSOCKET_INFLATED_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// TFTP: bytes kept of a file's name.
pub const TFTP_FILE_NAME_BYTES_MAX: usize = 4_096;

/// IKE: payloads read of one message.
pub const IKE_PAYLOADS_MAX: usize = 256;
/// IKE: vendor identifiers kept of one message.
pub const IKE_VENDORS_MAX: usize = 64;
/// IKE: attributes kept of one association.
pub const IKE_ATTRIBUTES_MAX: usize = 16;

/// CIP: services kept of one unit.
pub const CIP_SERVICES_MAX: usize = 32;
/// CIP: attributes read of one list.
pub const CIP_ATTRIBUTES_MAX: usize = 64;
/// CIP: multiple service packets within multiple service packets.
pub const CIP_DEPTH_MAX: usize = 4;
