//! Permits for so many at once, and a line behind them in which hosts take turns.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tetrarch_types::Host;
use tokio::sync::{Notify, oneshot};

use super::Turns;

/// So many permits and those who wait for one. A permit is free only if nobody waits. How many may wait is for others to bound.
pub(crate) struct Line {
    permits: usize,
    state: Mutex<State>,
    all_back: Notify,
}

struct State {
    free: usize,
    waiting: Turns<Host, oneshot::Sender<Permit>>,
    /// How many may have come before those who went are looked for.
    sweep_after: usize,
}

/// Those who went are looked for when more came than this, and than twice as many as wait.
const SWEEP: usize = 1_024;

/// One of the permits, given back when it is dropped.
pub(crate) struct Permit(Arc<Line>);

impl Line {
    pub(crate) fn of(permits: usize) -> Arc<Self> {
        let state = State { free: permits, waiting: Turns::default(), sweep_after: SWEEP };
        Arc::new(Self { permits, state: Mutex::new(state), all_back: Notify::new() })
    }

    /// A permit, if one is free.
    pub(crate) fn now(self: &Arc<Self>) -> Option<Permit> {
        let mut state = self.lock();
        state.free = state.free.checked_sub(1)?;
        Some(Permit(Arc::clone(self)))
    }

    /// A permit when it is this host's turn. Whoever stops waiting is passed over.
    pub(crate) async fn turn(self: &Arc<Self>, host: Host) -> Option<Permit> {
        let its_turn = {
            let mut state = self.lock();
            if let Some(left) = state.free.checked_sub(1) {
                state.free = left;
                return Some(Permit(Arc::clone(self)));
            }
            let (tell, its_turn) = oneshot::channel();
            state.push(host, tell);
            its_turn
        };
        its_turn.await.ok()
    }

    /// Waits until all permits are back, which is when nobody waits for one either.
    pub(crate) async fn left(&self) {
        loop {
            let all_back = self.all_back.notified();
            if self.lock().free == self.permits {
                return;
            }
            all_back.await;
        }
    }

    /// Who is next and still waits; if there is nobody, the permit is free.
    fn next(&self) -> Option<oneshot::Sender<Permit>> {
        let mut state = self.lock();
        while let Some((_, tell)) = state.waiting.pop() {
            if !tell.is_closed() {
                return Some(tell);
            }
        }
        state.free += 1;
        if state.free == self.permits {
            self.all_back.notify_waiters();
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each operation leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// While no permit comes back, nobody is passed over: those who went must not grow in number.
    fn push(&mut self, host: Host, tell: oneshot::Sender<Permit>) {
        self.waiting.push(host, tell);
        self.sweep_after = self.sweep_after.saturating_sub(1);
        if self.sweep_after == 0 {
            self.waiting.retain(|tell| !tell.is_closed());
            self.sweep_after = self.waiting.len().max(SWEEP);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(tell) = self.0.next() {
            // Who went just now drops the permit, and the next one has it.
            drop(tell.send(Self(Arc::clone(&self.0))));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};

    use super::super::host;
    use super::*;

    /// Whether it waits.
    async fn waits<T>(future: Pin<&mut impl Future<Output = T>>) -> bool {
        tokio::select! {
            biased;
            _ = future => false,
            () = tokio::task::yield_now() => true,
        }
    }

    #[tokio::test]
    async fn nobody_passes_those_who_wait() {
        let line = Line::of(1);
        let permit = line.now().unwrap();
        let mut waiting = pin!(line.turn(host(1)));
        assert!(waits(waiting.as_mut()).await);
        drop(permit);
        assert!(line.now().is_none(), "it is another's already");
        let permit = waiting.await;
        assert!(permit.is_some());
        drop(permit);
        assert!(line.now().is_some());
    }

    #[tokio::test]
    async fn a_host_with_one_waits_for_one_of_a_host_with_many() {
        let line = Line::of(1);
        let permit = line.now().unwrap();
        let (mut first, mut second) = (pin!(line.turn(host(1))), pin!(line.turn(host(1))));
        let mut other = pin!(line.turn(host(2)));
        assert!(waits(first.as_mut()).await && waits(second.as_mut()).await && waits(other.as_mut()).await);
        drop(permit);
        drop(first.await);
        drop(other.await);
        assert!(second.await.is_some());
    }

    #[tokio::test]
    async fn who_went_is_passed_over() {
        let line = Line::of(1);
        let permit = line.now().unwrap();
        {
            let mut gone = pin!(line.turn(host(1)));
            assert!(waits(gone.as_mut()).await);
        }
        let mut waiting = pin!(line.turn(host(2)));
        assert!(waits(waiting.as_mut()).await);
        drop(permit);
        drop(waiting.await);
        line.left().await;
        assert!(line.now().is_some());
    }

    #[tokio::test]
    async fn those_who_went_do_not_pile_up() {
        let line = Line::of(1);
        let _permit = line.now();
        for _ in 0..10 * SWEEP {
            let mut gone = pin!(line.turn(host(1)));
            assert!(waits(gone.as_mut()).await);
        }
        assert!(line.lock().waiting.len() <= SWEEP);
    }

    #[tokio::test]
    async fn it_is_left_when_all_permits_are_back() {
        let line = Line::of(2);
        let permits = (line.now(), line.now());
        let mut left = pin!(line.left());
        assert!(waits(left.as_mut()).await);
        drop(permits);
        left.await;
    }
}
