//! Who is not well when everyone should be, in words.

use tetrarch_replica::ReplicaStatus;

use super::World;

impl World {
    /// What the oracle of liveness says.
    pub(super) fn complaint(&self) -> String {
        let unanswered: usize = self.clients.iter().map(|client| client.outstanding()).sum();
        let nodes: Vec<String> = self.honest().map(|node| self.standing(node)).collect();
        let (bound, nodes) = (self.heal_within, nodes.join("; "));
        format!("{bound:?} after the faults ended not everyone is well: unanswered transactions: {unanswered}; {nodes}")
    }

    fn standing(&self, node: usize) -> String {
        let standing = self.nodes[node].status().map_or_else(|| "down".to_owned(), |status| standing(&status));
        format!("replica {node} is {standing}")
    }
}

fn standing(status: &ReplicaStatus) -> String {
    let ReplicaStatus { view, executed, stable, known, pending, .. } = status;
    let how = if status.changing { "moving to" } else { "in" };
    let mut text = format!("{how} view {view} at {executed} of {known}, stable {stable}, {pending} pending");
    let more = [
        (!status.voting).then(|| "not voting".to_owned()),
        status.lost.then(|| "without records of its votes".to_owned()),
        status.silent_until.map(|until| format!("silent until {until}")),
        status.damaged.then(|| "damaged".to_owned()),
        status.transferring.map(|checkpoint| format!("fetching the state at {checkpoint}")),
    ];
    more.into_iter().flatten().for_each(|more| text += &format!(", {more}"));
    text
}
