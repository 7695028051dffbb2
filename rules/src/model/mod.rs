//! A rule with every name resolved: what the compiler writes into a pack and what the engine evaluates.
//!
//! Types here borrow (`'a`) from wherever the rule lives: the parsed text at compile time, the mapped pack at run time.

mod alert_limit;
mod buffer;
mod frame;
mod header;
mod inspection;
mod list;
mod packet_condition;
mod protocol;
mod protocol_condition;
mod rule;

pub use alert_limit::{AlertLimit, RateFilter, SuppressBy, Threshold, ThresholdKind, TrackBy};
pub use buffer::{Buffer, BufferInfo, Side, Sides};
pub use frame::{Frame, FrameCarrier, FrameInfo, FrameSet};
pub use header::{AddressSetId, Header, PortSetId, RuleDirection};
pub use inspection::{
    Anchor, Asn1, Asn1Start, Base64Decode, ByteExtract, ByteJump, ByteMath, ByteTest, BytesSpec,
    Capture, Comparison, Content, Inspection, IsDataAt, JumpOrigin, Match, NumberBase, Operand,
    RegexUse, Transform, VariableScope,
};
pub use list::{ListId, ListKey, ListKind, SetAction, address_key};
pub use packet_condition::{
    BitAction, BitScope, DcerpcInterface, FlowRequirement, HeaderField, IntegerOperand,
    NumberRange, PacketCondition, ReputationSide, StreamSizeSide, TcpFlagsMode,
};
pub use protocol::{AppProtocol, DetectedProtocol, HeaderProtocol};
pub use protocol_condition::{
    CipService, LdapResponses, LdapWhich, ModbusCall, ModbusRange, ModbusRequest, ModbusTable,
    RpcCall, SaAttribute,
};
pub use rule::{Action, Effect, RuleId, RuleKind, Severity};
