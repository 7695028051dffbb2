//! Sensors over real TLS.

use lapwing_cirt::query::Scope;
use lapwing_wire::{AckState, ErrorCode, Message, RenewRequest};

use crate::support::{Client, Device, RunningCentre, Sample, TestCentre, eventually};

/// Enrols a device over the network with a pre-approved voucher.
async fn enrol(centre: &TestCentre, running: &RunningCentre, sensor: &str) -> Device {
    let voucher = centre.voucher(sensor, true);
    let mut device = Device::new();
    let mut client = centre.connect(running, &device).await;
    client.greet().await;
    client
        .send(&Message::EnrolRequest(device.enrol_request(&voucher)))
        .await;
    let Some(Message::EnrolApproval(approval)) = client.next().await else {
        panic!("not approved")
    };
    assert_eq!(approval.sealing_key, centre.sealing_key());
    device.sensor = approval.sensor;
    let chain = std::iter::once(approval.certificate).chain(approval.issuing_chain);
    device.certificate = Some(chain.map(Into::into).collect());
    device
}

async fn session(centre: &TestCentre, running: &RunningCentre, device: &Device) -> Client {
    let mut client = centre.connect(running, device).await;
    client.greet().await;
    client
}

fn state(answer: Option<Message>) -> AckState {
    match answer {
        Some(Message::Ack(ack)) => ack.state,
        other => panic!("no acknowledgement but {other:?}"),
    }
}

fn code(answer: Option<Message>) -> ErrorCode {
    match answer {
        Some(Message::Error(error)) => error.code,
        other => panic!("no error but {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_stored_once_and_a_conflicting_one_is_put_aside() {
    let centre = TestCentre::new();
    let running = centre.start().await;
    let device = enrol(&centre, &running, "isp-a").await;
    let batch = device.seal(
        centre.sealing_key(),
        0,
        &[Sample::numbered(0).record(), Sample::numbered(1).record()],
    );
    // The same content sealed again has another encapsulated key, so other bytes.
    let other = device.seal(centre.sealing_key(), 0, &[Sample::numbered(0).record()]);

    let mut client = session(&centre, &running, &device).await;
    assert_eq!(state(client.send_envelope(&batch).await), AckState::Stored);
    assert_eq!(
        state(client.send_envelope(&batch).await),
        AckState::AlreadyStored
    );
    assert_eq!(
        state(client.send_envelope(&other).await),
        AckState::Quarantined
    );
    assert_eq!(
        state(client.send_envelope(&batch).await),
        AckState::AlreadyStored
    );

    let store = centre.store();
    eventually("the batch is loaded", || {
        store.inbox_totals().unwrap().waiting == 0
    })
    .await;
    let totals = store.sensor_totals(Scope::Nation).unwrap().remove(0);
    assert_eq!(
        (
            totals.produced,
            totals.stored,
            totals.missing,
            totals.doubled
        ),
        (2, 2, 0, 0)
    );
    assert_eq!(
        (
            totals.batches,
            totals.batch_repeats,
            totals.batches_conflicting
        ),
        (1, 2, 1)
    );
    assert_eq!(
        store.alarms(Scope::Nation, 10).unwrap()[0].kind,
        "conflicting batch"
    );
    assert!(
        store
            .sensor(Scope::Nation, "isp-a")
            .unwrap()
            .last_contact
            .is_some()
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrolment_waits_for_a_person_and_a_voucher_is_good_for_one_device() {
    let centre = TestCentre::new();
    let running = centre.start().await;
    let voucher = centre.voucher("isp-b", false);
    let (device, thief) = (Device::new(), Device::new());
    let mut client = session(&centre, &running, &device).await;
    let request = Message::EnrolRequest(device.enrol_request(&voucher));
    client.send(&request).await;
    assert!(matches!(
        client.next().await,
        Some(Message::EnrolPending(_))
    ));

    let mut second = session(&centre, &running, &thief).await;
    second
        .send(&Message::EnrolRequest(thief.enrol_request(&voucher)))
        .await;
    assert!(matches!(
        second.next().await,
        Some(Message::EnrolRefused(_))
    ));

    // A request for somebody else's key is not proven.
    let mut stolen = thief.enrol_request(&voucher);
    stolen.device_public_key = device.public_key();
    second.send(&Message::EnrolRequest(stolen)).await;
    assert!(matches!(
        second.next().await,
        Some(Message::EnrolRefused(_))
    ));

    centre.store().approve_sensor("test", "isp-b").unwrap();
    client.send(&request).await;
    assert!(matches!(
        client.next().await,
        Some(Message::EnrolApproval(_))
    ));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_batch_is_refused_and_nothing_of_it_is_stored() {
    let centre = TestCentre::new();
    let running = centre.start().await;
    let device = enrol(&centre, &running, "isp-a").await;
    let victim = enrol(&centre, &running, "isp-b").await;
    let records = [Sample::numbered(0).record()];

    let mut forged = device.seal(centre.sealing_key(), 0, &records);
    *forged.bytes.last_mut().unwrap() ^= 1;
    let mut client = session(&centre, &running, &device).await;
    assert_eq!(code(client.send_envelope(&forged).await), ErrorCode::Forged);
    assert!(client.next().await.is_none(), "the session is over");

    // Signed by this device, in the name of another sensor.
    let mut impostor = device.clone();
    impostor.sensor = victim.sensor;
    let mut client = session(&centre, &running, &device).await;
    let answer = client
        .send_envelope(&impostor.seal(centre.sealing_key(), 0, &records))
        .await;
    assert_eq!(code(answer), ErrorCode::Forged);

    let store = centre.store();
    assert_eq!(store.inbox_totals().unwrap().batches, 0);
    assert_eq!(store.alarms(Scope::Nation, 10).unwrap().len(), 2);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_holds_from_the_next_request() {
    let centre = TestCentre::new();
    let running = centre.start().await;
    let device = enrol(&centre, &running, "isp-a").await;
    let mut client = session(&centre, &running, &device).await;
    let first = device.seal(centre.sealing_key(), 0, &[Sample::numbered(0).record()]);
    assert_eq!(state(client.send_envelope(&first).await), AckState::Stored);

    centre.store().revoke_sensor("test", "isp-a").unwrap();
    let second = device.seal(centre.sealing_key(), 1, &[Sample::numbered(1).record()]);
    assert_eq!(
        code(client.send_envelope(&second).await),
        ErrorCode::Revoked
    );

    // Nor on a new connection, nor by asking for a new certificate.
    let mut client = centre.connect(&running, &device).await;
    assert_eq!(code(client.next().await), ErrorCode::Revoked);
    assert!(client.next().await.is_none());
    assert_eq!(centre.store().inbox_totals().unwrap().batches, 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_renewed_for_the_same_key_only() {
    let centre = TestCentre::new();
    let running = centre.start().await;
    let device = enrol(&centre, &running, "isp-a").await;
    let voucher = centre.voucher("unused", true);
    let mut client = session(&centre, &running, &device).await;
    let own = device.enrol_request(&voucher).certificate_request;
    client
        .send(&Message::RenewRequest(RenewRequest {
            certificate_request: own,
        }))
        .await;
    let Some(Message::RenewApproval(approval)) = client.next().await else {
        panic!("not renewed")
    };
    assert_ne!(
        device.certificate.unwrap()[0].as_ref(),
        approval.certificate
    );

    let other = Device::new().enrol_request(&voucher).certificate_request;
    client
        .send(&Message::RenewRequest(RenewRequest {
            certificate_request: other,
        }))
        .await;
    assert!(matches!(
        client.next().await,
        Some(Message::RenewRefused(_))
    ));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_garbage_do_no_harm() {
    let centre = TestCentre::new();
    let running = centre.start().await;
    let device = enrol(&centre, &running, "isp-a").await;

    let mut stranger = session(&centre, &running, &Device::new()).await;
    let batch = device.seal(centre.sealing_key(), 0, &[Sample::numbered(0).record()]);
    assert_eq!(
        code(stranger.send_envelope(&batch).await),
        ErrorCode::NotAllowed
    );

    for garbage in [
        vec![0xff; 64],
        vec![0; 4096],
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
    ] {
        let mut client = centre.connect(&running, &device).await;
        client.send_bytes(&garbage).await;
        if let Some(answer) = client.next().await {
            assert!(matches!(answer, Message::Error(_)), "{answer:?}");
            assert!(client.next().await.is_none());
        }
    }
    let mut client = session(&centre, &running, &device).await;
    assert_eq!(state(client.send_envelope(&batch).await), AckState::Stored);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_batch_is_set_aside_and_blocks_nothing() {
    let centre = TestCentre::new();
    let running = centre.start().await;
    let device = enrol(&centre, &running, "isp-a").await;
    let mut client = session(&centre, &running, &device).await;
    // Sealed to somebody else: the signature is right, the content cannot be opened.
    let elsewhere = TestCentre::new();
    let unreadable = device.seal(elsewhere.sealing_key(), 0, &[Sample::numbered(0).record()]);
    let readable = device.seal(centre.sealing_key(), 1, &[Sample::numbered(1).record()]);
    assert_eq!(
        state(client.send_envelope(&unreadable).await),
        AckState::Stored
    );
    assert_eq!(
        state(client.send_envelope(&readable).await),
        AckState::Stored
    );

    let store = centre.store();
    eventually("both are worked through", || {
        store.inbox_totals().unwrap().waiting == 0
    })
    .await;
    let totals = store.sensor_totals(Scope::Nation).unwrap().remove(0);
    assert_eq!((totals.findings, totals.batches_unreadable), (1, 1));
    assert_eq!(
        (totals.produced, totals.stored, totals.missing),
        (2, 1, 1),
        "the hole is shown"
    );
    assert_eq!(
        store.alarms(Scope::Nation, 1).unwrap()[0].kind,
        "unreadable batch"
    );
    running.stop().await;
}
