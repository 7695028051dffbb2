//! First contact: what a voucher allows, and what it protects from.
#![allow(clippy::unwrap_used)]

mod common;

use std::error::Error;

use common::{Authority, Behaviour, Centre, Edge, SENSOR};
use lapwing_uplink::{Identity, UplinkError};

#[test]
fn a_device_waits_for_a_person_and_becomes_a_sensor() {
    let centre = Centre::start(
        &Authority::new(),
        Behaviour {
            pending_times: 2,
            ..Behaviour::default()
        },
    );
    let edge = Edge::new();
    let mut waited = 0;
    let identity = edge.enrol(centre.voucher(), |_, _| waited += 1).unwrap();
    assert_eq!((identity.sensor, waited), (SENSOR, 2));
    assert_eq!(
        Identity::load(&edge.settings.identity_folder).unwrap(),
        identity
    );
    // It is this sensor for good.
    let again = edge.enrol(centre.voucher(), |_, _| ());
    assert!(
        matches!(again, Err(UplinkError::AlreadyEnrolled { .. })),
        "{again:?}"
    );
}

#[test]
fn a_refusal_says_why() {
    let centre = Centre::start(
        &Authority::new(),
        Behaviour {
            refuses: true,
            ..Behaviour::default()
        },
    );
    let result = Edge::new().enrol(centre.voucher(), |_, _| ());
    assert!(
        matches!(&result, Err(UplinkError::Refused { reason }) if reason.contains("used before")),
        "{result:?}"
    );
}

#[test]
fn the_secret_is_not_told_to_another_centre() {
    let impostor = Centre::start(&Authority::new(), Behaviour::default());
    let voucher = Authority::new().voucher(impostor.address);
    let result = Edge::new().enrol(voucher, |_, _| ());
    let Err(error @ UplinkError::Unreachable { .. }) = &result else {
        panic!("{result:?}")
    };
    assert!(
        error
            .source()
            .unwrap()
            .to_string()
            .contains("another centre answers here"),
        "{error:?}"
    );
    assert_eq!(impostor.stored().enrolments, 0);
}

#[test]
fn sending_needs_an_enrolment() {
    let edge = Edge::new();
    let result = edge.start().stop();
    assert!(
        matches!(result, Err(UplinkError::NotEnrolled { .. })),
        "{result:?}"
    );
}
