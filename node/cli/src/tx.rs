//! `tetrarch tx`: signing, submitting and proving apart.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use serde_json::{Value, json};
use tetrarch_client::{
    Client, ClientError, Known, Submitted, receipt_to_json, transaction_from_json, transaction_to_json,
};
use tetrarch_crypto::Digest;
use tetrarch_kv::{Command, CommandResult, Request, Response, TxnResponse};
use tetrarch_types::{Refusal, Transaction, TransactionId};

use crate::cluster::{ClusterArguments, finish};
use crate::failure::{Class, Failure};
use crate::kv::{DelArguments, GetArguments, PutArguments, check, executed, stated};
use crate::output::Output;
use crate::{describe, duration, input};

/// What can be done with transactions.
#[derive(Debug, Subcommand)]
pub(crate) enum TxCommand {
    /// Sign an operation and print the transaction's file. The cluster is only asked which nonces are used.
    Sign {
        #[command(subcommand)]
        operation: SignCommand,
        /// Use this nonce and ask nobody: signs without a network.
        #[arg(long, global = true, value_name = "N")]
        nonce: Option<u64>,
        /// How long the transaction stays valid; an hour at most.
        #[arg(long, global = true, default_value = "5m", value_parser = duration::parse, value_name = "TIME")]
        valid_for: Duration,
    },
    /// Submit a signed transaction and wait for what comes of it. Doing it again is harmless: it executes once.
    Submit {
        /// The transaction's file; `-` is stdin.
        file: PathBuf,
    },
    /// Show a transaction, and what came of it.
    Show {
        /// Its id.
        id: Digest,
    },
    /// Print the receipt of an executed transaction, which anyone can check offline with `tetrarch verify receipt`.
    Receipt {
        /// The transaction's id.
        id: Digest,
    },
}

/// What can be signed.
#[derive(Debug, Subcommand)]
pub(crate) enum SignCommand {
    /// Set a key's value.
    Put(PutArguments),
    /// Read a key, or all keys with a prefix, in order.
    Get(GetArguments),
    /// Delete a key, or all keys with a prefix.
    Del(DelArguments),
}

impl SignCommand {
    fn request(self) -> Result<Request, Failure> {
        match self {
            Self::Put(put) => put.request(),
            Self::Get(get) => Ok(Request::Range(get.range())),
            Self::Del(del) => Ok(del.request()),
        }
    }
}

/// Runs `tetrarch tx`.
pub(crate) async fn run(command: TxCommand, cluster: &ClusterArguments, output: &Output) -> Result<(), Failure> {
    match command {
        TxCommand::Sign { operation, nonce, valid_for } => {
            let client = cluster.signing_client_for(valid_for)?;
            let signed = sign(&client, operation.request()?, nonce).await;
            finish(&client).await;
            output.text(&transaction_to_json(&signed?))
        }
        TxCommand::Submit { file } => {
            let transaction = read_transaction(&file)?;
            let client = cluster.reading_client()?;
            let submitted = client.submit_signed(transaction.clone()).await;
            finish(&client).await;
            print_submitted(&submitted, &transaction, output)
        }
        TxCommand::Show { id } => {
            let client = cluster.reading_client()?;
            let shown = look_up(&client, TransactionId::new(id)).await;
            finish(&client).await;
            let (transaction, known) = shown?;
            print_shown(&transaction, known.as_ref(), output)
        }
        TxCommand::Receipt { id } => {
            let client = cluster.reading_client()?;
            let receipt = client.receipt(TransactionId::new(id)).await;
            finish(&client).await;
            let tried = format!("cannot get a receipt for {id}");
            output.text(&receipt_to_json(&receipt.map_err(|error| Failure::client(tried, &error))?))
        }
    }
}

async fn sign(client: &Client, request: Request, nonce: Option<u64>) -> Result<Transaction, Failure> {
    let tried = format!("cannot sign {}", describe::request_name(&request));
    check(&request, &tried)?;
    let command = Command::from(request).encode();
    let signed = match nonce {
        Some(nonce) => client.sign_with_nonce(command, nonce),
        None => client.sign(command).await,
    };
    signed.map_err(|error| Failure::client(tried, &error))
}

fn read_transaction(file: &std::path::Path) -> Result<Transaction, Failure> {
    let text = input::document("the transaction file", file)?;
    transaction_from_json(&text).map_err(|error| {
        let tried = format!("cannot use the transaction file {}", file.display());
        Failure::new(Class::Unverified, tried, error.to_string(), "make it anew with `tetrarch tx sign`")
    })
}

fn print_submitted(
    submitted: &Result<Submitted, ClientError>,
    transaction: &Transaction,
    output: &Output,
) -> Result<(), Failure> {
    let tried = format!("cannot submit transaction {}", transaction.id());
    let submitted = submitted.as_ref().map_err(|error| Failure::client(&tried, error))?;
    let mut object = stated(submitted);
    object["outcome"] = describe::outcome(&submitted.outcome);
    let result = executed(&submitted.outcome, &tried);
    if let Ok(result) = &result {
        object["revision"] = result.revision.into();
    }
    let by = describe::replicas(&submitted.replicas);
    output.data(&object, || {
        let lines = describe::outcome_lines(&submitted.outcome).join("\n");
        format!("{lines}\ntransaction {}, sequence {}, stated by replicas {by}", submitted.transaction, submitted.seq)
    })?;
    failed_request(&result?, &tried)
}

/// Fails where a request was refused or a comparison did not hold.
fn failed_request(result: &CommandResult, tried: &str) -> Result<(), Failure> {
    let refused = |error: String| Err(Failure::sentence(Class::Failed, tried, &error));
    let results = match &result.results {
        Ok(results) => results,
        Err(error) => return refused(error.to_string()),
    };
    for result in results {
        match result.as_ref().map(|answered| &answered.response) {
            Err(error) => return refused(error.to_string()),
            Ok(Response::Txn(TxnResponse { succeeded: false, .. })) => {
                let next = "read the key again and decide anew; nothing was changed";
                return Err(Failure::new(Class::CompareFalse, tried, "the key is not as expected", next));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

async fn look_up(client: &Client, id: TransactionId) -> Result<(Transaction, Option<Known>), Failure> {
    let tried = format!("cannot show transaction {id}");
    let transaction = client.transaction(id).await.map_err(|error| Failure::client(&tried, &error))?;
    match client.reply(id).await {
        Ok(known) => Ok((transaction, Some(known))),
        Err(ClientError::Refused(Refusal::Unknown)) => Ok((transaction, None)),
        Err(error) => Err(Failure::client(&tried, &error)),
    }
}

fn print_shown(transaction: &Transaction, known: Option<&Known>, output: &Output) -> Result<(), Failure> {
    let mut object = transaction_object(transaction);
    if let Some(known) = known {
        object["outcome"] = describe::outcome(&known.outcome);
        object["sequence"] = known.seq.get().into();
        object["replicas"] = describe::replica_numbers(&known.replicas).into();
    }
    output.data(&object, || {
        let mut lines = transaction_lines(transaction);
        match known {
            Some(known) => {
                lines.extend(outcome_lines(&known.outcome));
                lines.push(format!("sequence  {}", known.seq));
                lines.push(format!("stated by replicas {}", describe::replicas(&known.replicas)));
            }
            None => lines.push("outcome   not executed yet, or no longer remembered".into()),
        }
        lines.join("\n")
    })
}

/// A transaction as JSON, its command decoded.
pub(crate) fn transaction_object(transaction: &Transaction) -> Value {
    let body = &transaction.body;
    json!({
        "id": transaction.id().to_string(),
        "chain": body.chain.to_string(),
        "sender": body.sender.to_string(),
        "nonce": body.nonce,
        "valid_until_micros": body.valid_until.as_micros(),
        "command": describe::command(&body.command),
    })
}

/// A transaction for people, its command decoded.
pub(crate) fn transaction_lines(transaction: &Transaction) -> Vec<String> {
    let body = &transaction.body;
    let mut lines = vec![
        format!("id        {}", transaction.id()),
        format!("chain     {}", body.chain),
        format!("sender    {}", body.sender),
        format!("nonce     {}", body.nonce),
    ];
    lines.extend(describe::command_lines(&body.command).into_iter().map(|line| format!("command   {line}")));
    lines
}

/// An outcome for people.
pub(crate) fn outcome_lines(outcome: &tetrarch_types::Outcome) -> Vec<String> {
    describe::outcome_lines(outcome).into_iter().map(|line| format!("outcome   {line}")).collect()
}
