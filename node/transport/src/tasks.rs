//! Background tasks that end with their owner.

use std::sync::Mutex;

use tokio::task::JoinHandle;

use crate::lock::locked;

/// Tasks that are aborted when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Tasks(Mutex<Vec<JoinHandle<()>>>);

impl Tasks {
    /// Keeps a task.
    pub(crate) fn add(&self, task: JoinHandle<()>) {
        locked(&self.0).push(task);
    }

    /// Ends all tasks and waits until they let go of what they held.
    pub(crate) async fn stop(&self) {
        let tasks = std::mem::take(&mut *locked(&self.0));
        tasks.iter().for_each(JoinHandle::abort);
        for task in tasks {
            let _aborted = task.await;
        }
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        locked(&self.0).iter().for_each(JoinHandle::abort);
    }
}
