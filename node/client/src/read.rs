//! Reads that no replica alone is believed for.

use std::collections::BTreeMap;
use std::time::Duration;

use tetrarch_types::{Answer, Query, ReplicaId, Request, Response, SeqNum, nth_largest};
use tokio::time::{Instant, sleep};

use crate::asks::Listener;
use crate::queries::Heard;
use crate::{Client, ClientError, Trouble};

/// How often all replicas are asked anew when they answer differently: writes in flight make them differ for moments.
const ATTEMPTS: u32 = 3;

/// The wait before they are asked anew, times the number of attempts made so far.
const PAUSE: Duration = Duration::from_millis(20);

/// The answer that q replicas gave alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadAnswer {
    /// The state machine's answer.
    pub bytes: Vec<u8>,
    /// The last batch executed when it was read: the highest that f + 1 of them confirm.
    pub executed: SeqNum,
    /// Who gave it, ascending.
    pub replicas: Vec<ReplicaId>,
}

impl Client {
    /// Reads at q replicas. Since every answered write was executed by q, or is before they answer (rule X-4), one honest replica at least
    /// is in both quorums, and its answer is the one returned: the read is linearizable.
    ///
    /// # Errors
    /// [`ClientError::Disagree`] when the replicas answer, but differently, several times: order the read as a transaction
    /// instead. Else if too few answer in time, or f + 1 refuse alike.
    pub async fn read(&self, query: Vec<u8>) -> Result<ReadAnswer, ClientError> {
        let (started, deadline) = (Instant::now(), self.deadline());
        let request = Request::Query(Query::Read(query));
        let mut needed = 0;
        for attempt in 0..ATTEMPTS {
            sleep(PAUSE * attempt).await;
            if attempt > 0 && Instant::now() >= deadline {
                return Err(ClientError::Disagree { needed, attempts: attempt });
            }
            let mut ballot = Ballot::new(self);
            if let Some(answer) = self.attempt(&request, &mut ballot, deadline).await {
                return answer;
            }
            if !ballot.has_enough() {
                return Err(self.no_quorum(&ballot, ballot.quorum, started, None).await);
            }
            needed = ballot.quorum;
        }
        Err(ClientError::Disagree { needed, attempts: ATTEMPTS })
    }

    /// Asks until q agree, until they cannot, or, once q answered and differ, until the rest had its time. Without q answers it
    /// goes on to the deadline.
    async fn attempt(
        &self,
        request: &Request,
        ballot: &mut Ballot,
        deadline: Instant,
    ) -> Option<Result<ReadAnswer, ClientError>> {
        let mut survey = self.survey(request);
        while Instant::now() < deadline && !ballot.has_enough() {
            let pause =
                Instant::now().checked_add(self.options.retransmit_interval).map_or(deadline, |it| it.min(deadline));
            match survey.run(ballot, pause).await {
                Some(Verdict::Agreed(answer)) => return Some(Ok(answer)),
                Some(Verdict::Refused(error)) => return Some(Err(error)),
                Some(Verdict::Split) | None => {}
            }
        }
        None
    }
}

enum Verdict {
    Agreed(ReadAnswer),
    Refused(ClientError),
    Split,
}

/// One attempt's answers, one a replica.
struct Ballot {
    quorum: usize,
    weak_quorum: usize,
    n: usize,
    answers: BTreeMap<ReplicaId, Answer>,
    troubles: BTreeMap<ReplicaId, Trouble>,
}

impl Ballot {
    fn new(client: &Client) -> Self {
        Self {
            quorum: client.membership.quorum(),
            weak_quorum: client.membership.weak_quorum(),
            n: client.membership.size(),
            answers: BTreeMap::new(),
            troubles: BTreeMap::new(),
        }
    }

    fn has_enough(&self) -> bool {
        self.answers.len() >= self.quorum
    }

    /// The largest set of replicas that answer alike.
    fn largest(&self) -> BTreeMap<ReplicaId, &Answer> {
        let alike = |one: &Answer| -> BTreeMap<ReplicaId, &Answer> {
            self.answers.iter().filter(|(_, it)| it.bytes == one.bytes).map(|(id, it)| (*id, it)).collect()
        };
        self.answers.values().map(alike).max_by_key(BTreeMap::len).unwrap_or_default()
    }

    fn agreed(&self) -> Option<ReadAnswer> {
        let alike = self.largest();
        let bytes = alike.values().next().filter(|_| alike.len() >= self.quorum)?.bytes.clone();
        let executed = alike.values().map(|answer| answer.executed);
        let executed = nth_largest(executed, self.weak_quorum).unwrap_or_default();
        Some(ReadAnswer { bytes, executed, replicas: alike.into_keys().collect() })
    }

    /// q answered, and those still silent could not make q alike any more.
    fn is_split(&self) -> bool {
        let silent = self.n.saturating_sub(self.answers.len() + self.troubles.len());
        self.has_enough() && self.largest().len() + silent < self.quorum
    }
}

impl Listener for Ballot {
    type Verdict = Verdict;

    fn hear(&mut self, from: ReplicaId, answer: Result<Response, Trouble>) {
        if self.answers.contains_key(&from) {
            return;
        }
        match answer {
            Ok(Response::Answer(answer)) => {
                self.troubles.remove(&from);
                self.answers.insert(from, answer);
            }
            other => {
                self.troubles.insert(from, Trouble::of(other));
            }
        }
    }

    fn is_settled(&self, replica: ReplicaId) -> bool {
        self.answers.contains_key(&replica)
    }

    fn verdict(&self) -> Option<Verdict> {
        if let Some(answer) = self.agreed() {
            return Some(Verdict::Agreed(answer));
        }
        if let Some(refusal) =
            Trouble::common_refusal(self.troubles.values(), self.weak_quorum).filter(Trouble::is_final)
        {
            return Some(Verdict::Refused(ClientError::Refused(refusal)));
        }
        self.is_split().then_some(Verdict::Split)
    }
}

impl Heard for Ballot {
    fn counted(&self) -> Vec<ReplicaId> {
        self.answers.keys().copied().collect()
    }

    fn trouble(&self, replica: ReplicaId) -> Option<&Trouble> {
        self.troubles.get(&replica)
    }
}
