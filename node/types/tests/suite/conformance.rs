//! The wire format, pinned: a SHA-256 over the bytes of one fixed specimen of everything that is sent, stored or signed.
//!
//! A hash that changes means that old and new replicas no longer understand each other, or that old files and receipts cannot be
//! read. If that is meant, it is a new version of the protocol: raise the version in the tags of the crypto crate's `Domain`, say
//! so in CHANGELOG.md, and copy the new lines from the failure into the table.

use crate::support::state::ROWS;
use crate::support::{Chain, VIEW, digest, id, seq};
use sha2::{Digest as _, Sha256};
use tetrarch_crypto::{Domain, PublicKey, Scope, Signer};
use tetrarch_types::{
    Answer, Batch, Checkpoint, Commit, Evidence, Fetch, NodeMode, NodeStatus, NonceWindow, Outcome, Payload,
    PrePrepare, Prepare, Query, Recovery, Refusal, Request, Response, Results, Sender, SeqNum, Signable, Status,
    Supply, TentativeResults, Timestamp, TransferProgress, View, encode, result_leaf,
};

type Specimens = Vec<(String, Vec<u8>)>;

fn add(list: &mut Specimens, name: &str, bytes: Vec<u8>) {
    list.push((name.to_owned(), bytes));
}

fn specimens() -> Specimens {
    let chain = Chain::of(4);
    let mut list = Specimens::new();
    for (name, message) in chain.messages() {
        add(&mut list, &format!("Message::{name}"), encode(&message));
    }
    transactions(&chain, &mut list);
    replies(&chain, &mut list);
    requests(&chain, &mut list);
    responses(&chain, &mut list);
    refusals(&mut list);
    statuses(&mut list);
    evidence(&chain, &mut list);
    payloads(&chain, &mut list);
    signing_bytes(&chain, &mut list);
    list
}

fn transactions(chain: &Chain, list: &mut Specimens) {
    add(list, "Genesis digest", chain.genesis.digest().as_bytes().to_vec());
    add(list, "Genesis JSON", chain.genesis.to_json().into_bytes());
    add(list, "Transaction", encode(&chain.transaction(7)));
    add(list, "Transaction id", chain.transaction(7).id().digest().as_bytes().to_vec());
    let (batch, _) = chain.batch();
    add(list, "Batch", encode(&batch));
    add(list, "Batch digest", batch.digest().as_bytes().to_vec());
    add(list, "Batch::noop digest", Batch::noop().digest().as_bytes().to_vec());
    add(list, "CommittedBatch", encode(&chain.committed_batch(seq(9))));
    add(list, "CheckpointCertificate", encode(&chain.checkpoint(seq(4))));
    let mut nonces = NonceWindow::default();
    for nonce in [0, 1, 5, 64, 9_000] {
        nonces.spend(nonce);
    }
    add(list, "Sender", encode(&Sender { nonces, last_used: Timestamp::from_micros(77) }));
}

fn replies(chain: &Chain, list: &mut Specimens) {
    for (name, outcome) in [("Expired", Outcome::Expired), ("ValidTooLong", Outcome::ValidTooLong)] {
        add(list, &format!("Outcome::{name}"), encode(&outcome));
    }
    add(list, "Reply", encode(&chain.reply(id(2))));
    add(list, "Reply, tentative", encode(&chain.tentative_reply(id(2))));
    add(list, "ReplyCertificate", encode(&chain.reply_certificate()));
    add(list, "ReplyCertificate, tentative", encode(&chain.tentative_certificate()));
    let leaf = result_leaf(&chain.transaction(7).id(), &Outcome::Executed(b"done".to_vec()));
    add(list, "result leaf", leaf.as_bytes().to_vec());
}

fn requests(chain: &Chain, list: &mut Specimens) {
    let transaction = chain.transaction(7);
    let queries = [
        ("Read", Query::Read(b"get".to_vec())),
        ("Nonce", Query::Nonce(chain.client.public_key())),
        ("Reply", Query::Reply(transaction.id())),
        ("Transaction", Query::Transaction(transaction.id())),
        ("Status", Query::Status),
        ("Prove", Query::Prove { table: "kv.records".into(), key: b"key".to_vec() }),
        ("ReadAfter", Query::ReadAfter { executed: seq(5), question: b"get".to_vec() }),
        ("ReadStale", Query::ReadStale(b"get".to_vec())),
    ];
    for (name, query) in queries {
        add(list, &format!("Request::Query({name})"), encode(&Request::Query(query)));
    }
    add(list, "Request::Submit", encode(&Request::Submit(transaction)));
}

fn responses(chain: &Chain, list: &mut Specimens) {
    let answer = Answer { executed: seq(300), bytes: b"value".to_vec() };
    let responses = [
        ("Reply", Response::Reply(chain.reply(id(2)))),
        ("Answer", Response::Answer(answer)),
        ("Nonce(Some)", Response::Nonce(Some(300))),
        ("Nonce(None)", Response::Nonce(None)),
        ("Transaction", Response::Transaction(chain.transaction(7))),
        ("Proof(Some)", Response::Proof(Box::new(chain.state_proof(3)))),
        ("Proof(None)", Response::Proof(Box::new(chain.state_proof(ROWS)))),
    ];
    for (name, response) in responses {
        add(list, &format!("Response::{name}"), encode(&response));
    }
}

fn refusals(list: &mut Specimens) {
    let refusals = [
        ("Busy", Refusal::Busy),
        ("BadSignature", Refusal::BadSignature),
        ("WeakKey", Refusal::WeakKey),
        ("WrongChain", Refusal::WrongChain { theirs: digest(1), ours: digest(2) }),
        ("TooLarge", Refusal::TooLarge { actual: 300, limit: 200 }),
        ("NonceSpent", Refusal::NonceSpent { nonce: 300 }),
        ("NonceContested", Refusal::NonceContested { nonce: 300 }),
        ("NonceForgotten", Refusal::NonceForgotten { nonce: 300 }),
        ("Expired", Refusal::Expired),
        ("ValidTooLong", Refusal::ValidTooLong),
        ("Unknown", Refusal::Unknown),
        ("NotServing", Refusal::NotServing("disk".into())),
        ("Malformed", Refusal::Malformed("noise".into())),
        ("NoCheckpoint", Refusal::NoCheckpoint { first: seq(128) }),
    ];
    for (name, refusal) in refusals {
        add(list, &format!("Response::Refused({name})"), encode(&Response::Refused(refusal)));
    }
}

fn statuses(list: &mut Specimens) {
    let modes = [
        ("Normal", NodeMode::Normal),
        ("ChangingView", NodeMode::ChangingView),
        ("Recovering", NodeMode::Recovering),
        ("Silent(Some)", NodeMode::Silent { until: Some(seq(512)) }),
        ("Silent(None)", NodeMode::Silent { until: None }),
        ("Halted", NodeMode::Halted("disk".into())),
    ];
    for (name, mode) in modes {
        let fetching = mode == NodeMode::Recovering;
        let status = NodeStatus {
            replica: id(2),
            chain: digest(3),
            mode,
            view: VIEW,
            primary: id(1),
            executed: seq(300),
            stable_checkpoint: seq(256),
            state_root: digest(4),
            revision: 1_000,
            stored_bytes: 40_000_000,
            agreed_time: Timestamp::from_micros(1_600_000_000_000_000),
            pending: 17,
            evidence: 1,
            uptime_micros: 5_000_000,
            transfer: fetching.then(transfer),
            recovery: recovery(fetching),
        };
        add(list, &format!("Response::Status({name})"), encode(&Response::Status(status)));
    }
}

fn transfer() -> TransferProgress {
    TransferProgress { checkpoint: seq(384), permille: 750, rows: 1_000, bytes: 90_000, outstanding: 8, liars: 1 }
}

fn recovery(fetching: bool) -> Recovery {
    let level_micros = (!fetching).then_some(70_000);
    Recovery { findings: vec!["the journal is whole".into()], disk_micros: 3_000, level_micros, rows_fetched: 1_000 }
}

fn evidence(chain: &Chain, list: &mut Specimens) {
    let (view, here) = (VIEW, seq(9));
    let (one, two) = (digest(1), digest(2));
    let liar = id(2);
    let assign = |digest| chain.signed(PrePrepare { view, seq: here, digest }, liar);
    let prepare = |digest| chain.signed(Prepare { view, seq: here, digest }, liar);
    let commit = |digest| chain.signed(Commit { view, seq: here, digest }, liar);
    let checkpoint = |state_root| chain.signed(Checkpoint { seq: here, state_root }, liar);
    add(list, "Evidence::PrePrepare", encode(&Evidence::PrePrepare(assign(one), assign(two))));
    add(list, "Evidence::Prepare", encode(&Evidence::Prepare(prepare(one), prepare(two))));
    add(list, "Evidence::Commit", encode(&Evidence::Commit(commit(one), commit(two))));
    add(list, "Evidence::Checkpoint", encode(&Evidence::Checkpoint(checkpoint(one), checkpoint(two))));
}

fn payloads(chain: &Chain, list: &mut Specimens) {
    let (view, seq, digest, state_root) = (VIEW, seq(9), digest(1), digest(2));
    let new_view = chain.new_view();
    let proposals = new_view.proposals.iter().map(|proposal| proposal.payload).collect();
    let again = chain.message(Payload::Prepare(Prepare { view, seq, digest }), id(2));
    let payloads = [
        ("PrePrepare", Payload::PrePrepare { assignment: PrePrepare { view, seq, digest }, batch: chain.batch().0 }),
        ("Prepare", Payload::Prepare(Prepare { view, seq, digest })),
        ("Commit", Payload::Commit(Commit { view, seq, digest })),
        ("Checkpoint", Payload::Checkpoint(Checkpoint { seq, state_root })),
        ("ViewChange", Payload::ViewChange(chain.view_change())),
        ("NewView", Payload::NewView { view, view_changes: new_view.view_changes, proposals }),
        ("Again", Payload::Again(Box::new(again))),
        ("Status", Payload::Status(status())),
        ("Fetch", Payload::Fetch(Fetch::Batch(digest))),
        ("Supply", Payload::Supply(Supply::Committed(Vec::new()))),
    ];
    for (name, payload) in payloads {
        add(list, &format!("Payload::{name}"), encode(&payload));
    }
}

fn status() -> Status {
    Status { view: VIEW, changing: true, executed: seq(300), stable: seq(256), slow: true }
}

fn signing_bytes(chain: &Chain, list: &mut Specimens) {
    let (view, seq, digest, state_root) = (VIEW, seq(9), digest(1), digest(2));
    let scope = chain.scope();
    add(list, "signed PrePrepare", PrePrepare { view, seq, digest }.signing_bytes(scope));
    add(list, "signed Prepare", Prepare { view, seq, digest }.signing_bytes(scope));
    add(list, "signed Commit", Commit { view, seq, digest }.signing_bytes(scope));
    add(list, "signed Checkpoint", Checkpoint { seq, state_root }.signing_bytes(scope));
    add(list, "signed ViewChange", chain.view_change().signing_bytes(scope));
    add(list, "signed NewView", chain.new_view().signing_bytes(scope));
    add(list, "signed Status", status().signing_bytes(scope));
    add(list, "signed Fetch", Fetch::Batch(digest).signing_bytes(scope));
    add(list, "signed Supply", Supply::Committed(Vec::new()).signing_bytes(scope));
    add(list, "signed Results", Results { seq, root: digest }.signing_bytes(scope));
    add(list, "signed TentativeResults", TentativeResults { view, seq, root: digest }.signing_bytes(scope));
    add(list, "signed Transaction", chain.transaction(7).claim(scope).message);
}

const TABLE: &[(&str, &str)] = &[
    ("Message::Prepare", "7b9d89c0876be86abe2163f5d44419de69265315766f09374357255d57012fbe"),
    ("Message::Commit", "94639ca2277dfea579813c3ab41536e16e5a50bad77cdb2a4331f5d3f4b71db9"),
    ("Message::Checkpoint", "2a32d1d4cd09341f30f856db72e3e6b0b63d70222256e7cd89f0226468b6c392"),
    ("Message::Status", "c5c003fe02317c728fdc3cc0b5b5784866b58cd2e95df117400f7762cfbaeb18"),
    ("Message::PrePrepare", "bd09e8151d357c141d019a1c61c8cc6ceeab0de19c8e8e69c4f0dbb1554c400d"),
    ("Message::ViewChange", "2b70c6884afa60fe1e93a91d4054cf46207e4928c1b8b9806cbeb0a432c04325"),
    ("Message::NewView", "9351c9b722e3355e02f8aa4816813bf75a83624d31374ca63b74f174283708e7"),
    ("Message::Fetch::Transactions", "eb75f63a1c9468bc78e7a1a59e8c6d5af1136db8b458e812d0f3640669c6040d"),
    ("Message::Fetch::Batch", "45b870a7187fc2cf309b18e6023d4938d0921dccb12b06a3f746a0197402a0a7"),
    ("Message::Fetch::Committed", "581c9274cc9887899b6db69054e90d35ef1e7809df7d8fa4f0d272cc64e286e4"),
    ("Message::Supply::Transactions", "a780e495745672a8e54db53f4c8bc480bd4fd584dc76f9767b0d5bcc74a5b3e1"),
    ("Message::Supply::Batch", "0274b2e6cd1bec83826d6f693ebaa3e850f363ac3349b7c32de81ceb563d1aba"),
    ("Message::Supply::Draft", "a8007abcbfa19b28df0d3096c6ae4a4d740987340e508b20c292fb946b2730bc"),
    ("Message::Supply::Committed", "4f2642ea3b1b419a3c889cfc41a5a8c927d26ae461b01b9325a62c0a441fae74"),
    ("Message::Fetch::Held", "805481caa53f8d593ed919ae5ed841511db87d5c4eb320f3d5256e540fdc0d62"),
    ("Message::Fetch::State", "7c737a9727d22d2c2fc76cecac1ca21e069e34b05696896ca25c05c2a27e5440"),
    ("Message::Supply::Held", "b0b1ed6b1ecd031c5f25bec80c63e81dafa95d6097e4071ebcca094cebec4955"),
    ("Message::Supply::State", "63031ca2972736d86a43b856c70453196362e38f21319a113b9e290885c9fe83"),
    ("Message::Supply::NoState", "92b75f38ccbff00bbf8803b9662b9306557873dcd5cf3fe51de7598b5e78b77d"),
    ("Message::Supply::Stable", "3bd35713c1a30eaec832f9975869c93eebbd38e5dcbaff58d9e2ab140f85f96d"),
    ("Genesis digest", "5aa21003c5aa0c29ac6ac628cae3399a4edde9bbf94e2723016e6d83fbb00b49"),
    ("Genesis JSON", "3b7eb14539d3973c38a2d66500b321dcb9be11309861c27ea89faddb8457c6b0"),
    ("Transaction", "8e5605a79a4061ffeb368261b256453587adb03aa14f80bddea2d4f00316d727"),
    ("Transaction id", "4c1bf4e440932be8dfe673779e1b2f089a13a53bbf9fa4699942eb573ea61c4c"),
    ("Batch", "f203a820d20dc8191eb06635620b746d9a5194be5723e76415c0c35e38caf261"),
    ("Batch digest", "f08c1687cf2185811235e2adc863f30f0984326eceb0e4bb7eabee139a718677"),
    ("Batch::noop digest", "52e7e84353198278589596c072f6ca09ed80e2eaa4eca06f874ea53fe4b837c6"),
    ("CommittedBatch", "454ffbf5d5a6b055a5f0e3098090d37fc05ad17899cd77124fe3d6cc46af0e47"),
    ("CheckpointCertificate", "8744bd0a24ccb1a5986513db61ad0f4f0ed209f68aba3f1c80a020d8f45817c0"),
    ("Sender", "2f2c85e4b9393ed48ab9bf2a28c76b8047e104b9ad03044d381ca36037b1c91e"),
    ("Outcome::Expired", "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"),
    ("Outcome::ValidTooLong", "dbc1b4c900ffe48d575b5da5c638040125f65db0fe3e24494b76ea986457d986"),
    ("Reply", "ddd0397f708e105da505c4c81c33764c233446d39e939ec38cfcba6eebca9aea"),
    ("Reply, tentative", "ab6c00b2c0826d42f3d8f7aafc2e165b6e787ba4990557e5ce3d02ce8bfebe60"),
    ("ReplyCertificate", "1c7c7d1bf72f9ef517742013eb6151c57e3daff0c1b1c3da830fc9471d94fbac"),
    ("ReplyCertificate, tentative", "e6972f019edf3f692fb592f47d5ccbc5243c9f99d12038b6ef32e781f6c76f78"),
    ("result leaf", "a9d5160f7a12921da57024c29c4d8976e0d3dfc88a3e5825a59d31f903a2c81b"),
    ("Request::Query(Read)", "2b6113f5833be3e04ec480a8d6f86e45bcc0182cb28d0b3c3902754fdf105830"),
    ("Request::Query(Nonce)", "22b1e8864769b3eea3f2cfb3e7978e4296d1e6d641feccec3fd1d0298e78edd1"),
    ("Request::Query(Reply)", "8fa082a5872a63057c9bb214f15203aa170998383fcd1beb1cfdf34194f7ec1e"),
    ("Request::Query(Transaction)", "6d2e4c7c3ebc950c57d006b6ebb71e506e7d3b7a8c8301f0e83fa1cdf8b86937"),
    ("Request::Query(Status)", "a8d5dd63fba471ebcb1f3e8f7c1e1879b7152a6e7298a91ce119a63400ade7c5"),
    ("Request::Query(Prove)", "b225503b90c1c856b7fa71225d5a33ecb23a09e24e2d89d3925769c1857174bb"),
    ("Request::Query(ReadAfter)", "e822f7e55ec966a47b2d0aa807414d2ed8105d0608497b4df78ff310ed6b1ade"),
    ("Request::Query(ReadStale)", "cf4d74bf41c2aab645b663d98beac9fb3a96baeb38a4564f453b1f2b297db152"),
    ("Request::Submit", "f2f08381931997a33cc6c5f540d41f31133d61d98036bb730aa2010276f97f4d"),
    ("Response::Reply", "4cf2b6457d56f3c395af9f0fadd190088f833a6a5277be6d25a1d013525ac181"),
    ("Response::Answer", "65515392d11ba5851a228c9b105df37d85a2ef1d09d207e04abc1021c4d5785d"),
    ("Response::Nonce(Some)", "87196400933d3cae4a16886c47f952c2f92b4c3b8540e4322c4c13610171caec"),
    ("Response::Nonce(None)", "99be5efb88ca2013bd8e4eb035fd42d5245468fe9afa70d8ba9c1c419a48c4e8"),
    ("Response::Transaction", "ff02826e616a7bd347ae5fc553ab8d39f441fce357f43add1e73ff3c00ee749f"),
    ("Response::Proof(Some)", "868ea24bbd23405ff5f549b48c33ee0cf5e68ca1d97044829c0dd5c850e51116"),
    ("Response::Proof(None)", "ea5cff1603a07b1bcfffa8c684e1b8f1e23e7f9ee889b1388c5ee52e6d748e09"),
    ("Response::Refused(Busy)", "2921a11f25dadaa24aa79a548e4e81508c2e5e56af2d833d65e2bcce448ce2f5"),
    ("Response::Refused(BadSignature)", "8aabab9ba98811ca008e888337c0290d8486cb190834590effdd74e974b1f1db"),
    ("Response::Refused(WeakKey)", "7c2f2290b282a9630f38a2449df18d5595dd88a3e9c9ca138fc5d3a72266211c"),
    ("Response::Refused(WrongChain)", "27ac8f6368e07d081218557c690a8bd6649a353a1cb6b9760cc99786d3076b7a"),
    ("Response::Refused(TooLarge)", "ef4bd724f0abcbfbf2601e194dbce97a97eb9e1378babc07e20e6eaac1c9d6d7"),
    ("Response::Refused(NonceSpent)", "d0d3f7c2e7f56336428cdda08e729e19ec56ecb8dc2f5c0a99846f5d520ccba0"),
    ("Response::Refused(NonceContested)", "93653b20512f82dd5c37e909ddb31e913641c9bdfbeb797c7f5f74ac494ddfb7"),
    ("Response::Refused(NonceForgotten)", "79b054d3c777447f06f30894c5f011222ee357bb1071b85b9bc82f636aa3041d"),
    ("Response::Refused(Expired)", "b94f82274fe77dff278988a9ea096f8857d32ecf50518db9cb24c830880a2f5b"),
    ("Response::Refused(ValidTooLong)", "a55d69c8253f3bee6326d2ea106e908dd86033dd65f2ba60ed28bba634ccd844"),
    ("Response::Refused(Unknown)", "170f7f9197ab92fa15a0a1ab230e591ae3554630409021ecd86fca7549984abe"),
    ("Response::Refused(NotServing)", "92b0d1a78c2021036d392701c693074e59c6e39822fe1d8cbf318cae69879986"),
    ("Response::Refused(Malformed)", "481a1c17a7d8a8e1e4f0af641579629b4edd8f51941907ee6fe17a79c2b90100"),
    ("Response::Refused(NoCheckpoint)", "aab9022bfaeca51539269b853fad0ab41ddf89647ee12bd11082068d46955058"),
    ("Response::Status(Normal)", "d53c8532af0fc55ec9562f109801b200e1478b7aa10e9cbecc3b4ac39dc55c7a"),
    ("Response::Status(ChangingView)", "8b7a0d4c38ad3df10c053721808e0fa1e66a27f6dcf244dcb482f9d3a4668d36"),
    ("Response::Status(Recovering)", "7c22a19def537e6664107dbde8750e2c42c363763e9871f9c55e8e2019fed7a4"),
    ("Response::Status(Silent(Some))", "ad36bd16f2fe650d10758e5a719f693fe6bca352224302cb744d1073fd2a0be0"),
    ("Response::Status(Silent(None))", "8b20e89214782541051fc9df6ccfe7090900027bf3bd90af4eaf24818d9fbd63"),
    ("Response::Status(Halted)", "1aa4b47f3b50ea259ae0aa0384c0a75a76927d6caff6ebc7647793b8145c839f"),
    ("Evidence::PrePrepare", "3278007170d5adacd3d26d72b94593d2e795ad0fc83153830892db574cc87d72"),
    ("Evidence::Prepare", "61b8276bf642f71be672c8b3ea527a4c1c80e46ccc42826cd7cba178c6272351"),
    ("Evidence::Commit", "937d8fdc0e30c62a8a4c2833033c76737373e0a789613eb12fc5ed215bf3a470"),
    ("Evidence::Checkpoint", "2b30f0be8c1f95b15296b21487c904947f9b42c06549424f96c7802a6ffef778"),
    ("Payload::PrePrepare", "182ad5e1eb15204bfacd9339164740bd2a9af2f54abf8d722e554efbfccca88d"),
    ("Payload::Prepare", "e8cc6b95d714a1b9d77cd6dfca440c26ab50103f20e574894bc105da3db7725f"),
    ("Payload::Commit", "486f3ac56e1e7c38d26d3d7bc8eca31a3ea830634d09e809e39b682d0411a6d5"),
    ("Payload::Checkpoint", "7f81f5724966fdc0b98f8bbe0a184775f26882792eb886094a5c66e4968fe519"),
    ("Payload::ViewChange", "19300dcd7f031fb9f8f3c8913be317fbd1ffb608f249a8bd70d1a3e730da59e5"),
    ("Payload::NewView", "1c9c2bc461be46ee1c6a8c1e9e2e408f06e37bfd6dd55c801f5206f1cb44433b"),
    ("Payload::Again", "f35973c02f725bc48f22a40aa29b2a8081ae455c1cc45ec89eabc8bb62f4e215"),
    ("Payload::Status", "0c6fe86662988e46ca29eb0ad6f6a0e500bbdd890f60f98360bac226f984bd3f"),
    ("Payload::Fetch", "94ea1d7125ae3d0fecbfd30559d7fcce594b27e5087c197edf93569a87585d09"),
    ("Payload::Supply", "b79e31d6e176610660ff9b6fff3c520c5f9222da8e12eea842b8a24b8164f4da"),
    ("signed PrePrepare", "f2b5777fadca5e8077b8eed8f4308d17dbab8d3c6cce7d0c5b0fef510bd47c2a"),
    ("signed Prepare", "8b99fe1f49bfc570ef156c75d7b740701e659c42adabc2428b319b6033f25423"),
    ("signed Commit", "42c8f9cac991a545782340c89705d99a563e756fccbad628a142f3b4164fb4f6"),
    ("signed Checkpoint", "33e6a18555737e2fec4aac192db174e85fc95e47cf5091faa8c372c736af5bf2"),
    ("signed ViewChange", "16c95b11b01a89b9b0d940a902ce4a1f987e74551139799850b3dfb77bbd8f36"),
    ("signed NewView", "2f8346ac574aab156d6d0e0fcb9b4cc765d2fe97e8797699fbdec8793ccaebbc"),
    ("signed Status", "f04f0246dba3671f26618f062b77891cb2fe9a1ce1bfb615c274f0bb6dedde22"),
    ("signed Fetch", "45a5009402150fee8471c802e39c238933b95bee29440563c87ff1dc9a7f2a00"),
    ("signed Supply", "4cf040d87cf36674b52242a859fc0b72842264bfe7fd16df9319a72b0456d152"),
    ("signed Results", "fbff8dbec6bf005f71619e88d95cae54e22e7ef9d15508a640d0e83904969442"),
    ("signed TentativeResults", "7545f0cdeaf2b3746a2775b7f73cae6ffffd773e766fca18ba7d99fbacad23f2"),
    ("signed Transaction", "a2a6eae6c6eec17a97fdf5647c8da6eb2e00035493fb4550fecb4848cb784913"),
];

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_bytes_are_the_committed_ones() {
    let found: Vec<(String, String)> = specimens().into_iter().map(|(name, bytes)| (name, hash(&bytes))).collect();
    let committed = |name: &str| TABLE.iter().find(|(known, _)| *known == name).map(|(_, hash)| *hash);
    let changed: Vec<String> = found
        .iter()
        .filter(|(name, hash)| committed(name) != Some(hash))
        .map(|(name, hash)| format!("    (\"{name}\", \"{hash}\"),"))
        .collect();
    assert!(
        changed.is_empty(),
        "the wire format changed: replicas, clients and receipts of before no longer fit.\nIf that is meant, see the head of \
         this file, and put these lines into its table:\n{}",
        changed.join("\n")
    );
    let gone: Vec<&str> =
        TABLE.iter().map(|(name, _)| *name).filter(|name| found.iter().all(|(it, _)| it != name)).collect();
    assert!(gone.is_empty(), "the wire format changed: there are no specimens any more of {gone:?}");
    assert_eq!(TABLE.len(), found.len(), "a specimen stands in the table twice");
}

/// One form spelled out byte by byte, so that the format can be read off somewhere and not only compared.
#[test]
fn a_prepare_by_hand() {
    let payload = Prepare { view: View::new(300), seq: SeqNum::new(9), digest: digest(0xab) };
    // LEB128 varints, then 32 bytes without a length.
    let encoded = [[0xac, 0x02, 0x09].as_slice(), &[0xab; 32]].concat();
    assert_eq!(encode(&payload), encoded);
    let scope = Scope { genesis: digest(0xcd), epoch: 2 };
    let tag = Domain::Prepare.tag();
    assert_eq!(tag, "tetrarch/1/prepare");
    let bytes = [&18_u64.to_le_bytes(), tag.as_bytes(), &[0xcd; 32], &2_u64.to_le_bytes(), &encoded].concat();
    assert_eq!(payload.signing_bytes(&scope), bytes);
    let message = tetrarch_types::Message::Prepare(tetrarch_types::Signed {
        payload,
        signer: id(3),
        signature: tetrarch_crypto::Signature::from_bytes([0xef; 64]),
    });
    assert_eq!(encode(&message), [[0x01].as_slice(), &encoded, &[0x03], &[0xef; 64]].concat());
}

#[test]
fn keys_and_digests_have_no_length() {
    assert_eq!(encode(&PublicKey::from_bytes([7; 32])), [7; 32]);
    assert_eq!(encode(&digest(7)), [7; 32]);
}
