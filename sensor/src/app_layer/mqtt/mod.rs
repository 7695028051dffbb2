//! MQTT (OASIS MQTT 3.1.1 and 5.0, section 2): control packets as frames. What the packets say is not taken apart.

mod parser;

pub(super) use parser::MqttParser;
