//! A sensor that was offline for weeks comes back with a certificate that has ended.

use lapwing_wire::{AckState, ControlRequest, ErrorCode, Message, RenewRequest};

use crate::support::{Client, Device, RunningCentre, Sample, TestCentre};

async fn connected(centre: &TestCentre, running: &RunningCentre, device: &Device) -> Client {
    let mut client = centre.connect(running, device).await;
    client.greet().await;
    client
}

fn code(answer: Option<Message>) -> ErrorCode {
    match answer {
        Some(Message::Error(error)) => error.code,
        other => panic!("no error but {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_eight_weeks_a_sensor_may_renew_and_nothing_else_and_then_everything() {
    renews_first_and_may_do_everything_then(56).await;
}

/// The certificate of a sensor that renewed while this machine's clock was a year ahead.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_has_not_begun_may_be_renewed_and_do_nothing_else() {
    renews_first_and_may_do_everything_then(-395).await;
}

async fn renews_first_and_may_do_everything_then(certificate_ended_days_ago: i64) {
    let centre = TestCentre::new();
    let running = centre.start().await;
    let mut device = centre.enrolled_device("isp-a");
    device.certificate = Some(centre.certificate_that_ended(&device, certificate_ended_days_ago));
    let batch = device.seal(centre.sealing_key(), 0, &[Sample::numbered(0).record()]);

    let mut client = connected(&centre, &running, &device).await;
    assert_eq!(
        code(client.send_envelope(&batch).await),
        ErrorCode::NotAllowed
    );
    let mut client = connected(&centre, &running, &device).await;
    client
        .send(&Message::ControlRequest(ControlRequest {
            known_milliseconds: 0,
        }))
        .await;
    assert_eq!(code(client.next().await), ErrorCode::NotAllowed);

    let mut client = connected(&centre, &running, &device).await;
    client
        .send(&Message::RenewRequest(RenewRequest {
            certificate_request: device.certificate_request(),
        }))
        .await;
    let Some(Message::RenewApproval(approval)) = client.next().await else {
        panic!("not renewed")
    };
    let chain = std::iter::once(approval.certificate).chain(approval.issuing_chain);
    device.certificate = Some(chain.map(Into::into).collect());
    let mut client = connected(&centre, &running, &device).await;
    let Some(Message::Ack(ack)) = client.send_envelope(&batch).await else {
        panic!("not acknowledged")
    };
    assert_eq!(ack.state, AckState::Stored);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_more_than_a_year_it_has_to_be_enrolled_anew() {
    let centre = TestCentre::new();
    let running = centre.start().await;
    let mut device = centre.enrolled_device("isp-a");
    device.certificate = Some(centre.certificate_that_ended(&device, 401));
    let mut client = centre.connect(&running, &device).await;
    assert_eq!(code(client.next().await), ErrorCode::NotAllowed);
    // Within the 400 days it would have been renewed.
    device.certificate = Some(centre.certificate_that_ended(&device, 399));
    let mut client = connected(&centre, &running, &device).await;
    client
        .send(&Message::RenewRequest(RenewRequest {
            certificate_request: device.certificate_request(),
        }))
        .await;
    assert!(matches!(
        client.next().await,
        Some(Message::RenewApproval(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_sensor_is_turned_away_in_the_middle_of_a_session_whatever_it_asks() {
    let centre = TestCentre::new();
    let running = centre.start().await;
    let mut device = centre.enrolled_device("isp-a");
    device.certificate = Some(centre.certificate_that_ended(&device, -5));
    let ask = Message::ControlRequest(ControlRequest {
        known_milliseconds: 0,
    });
    let mut client = connected(&centre, &running, &device).await;
    client.send(&ask).await;
    let Some(Message::ControlAnswer(answer)) = client.next().await else {
        panic!("no answer")
    };
    assert!(answer.answer.is_empty(), "nothing was asked of it yet");
    centre.store().revoke_sensor("test", "isp-a").unwrap();
    client.send(&ask).await;
    assert_eq!(code(client.next().await), ErrorCode::Revoked);
}
