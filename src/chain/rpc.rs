//! bitcoind's RPC by name, with small types of our own: the typed answers of `bitcoincore-rpc`
//! lag behind today's Core.

use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use bitcoincore_rpc::{
    Client, Error, RpcApi,
    jsonrpc::{
        self, Request,
        simple_http::{self, SimpleHttpTransport},
    },
};
use serde::de::DeserializeOwned;
use serde_json::{Value, value::to_raw_value};

use super::error::ChainError;

/// How long the lab waits for an answer. The transport tries once more, so a bitcoind that hangs
/// is noticed after twice this.
const TIMEOUT: Duration = Duration::from_secs(30);

/// JSON-RPC batches are cut before they grow beyond this many bytes of arguments, far below the
/// 32 MiB that bitcoind takes in a request.
const BATCH_BYTES: usize = 8 << 20;

/// A call of a batch.
pub(super) struct Call {
    pub(super) method: &'static str,
    pub(super) arguments: Vec<Value>,
}

/// bitcoind's own error: it understood, and refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: i32,
    pub(super) message: String,
}

impl Refusal {
    /// The error to report when the refusal is none of the answers that the caller expects.
    pub(super) fn of(self, method: &'static str) -> ChainError {
        ChainError::Rpc { method, code: self.code, message: self.message }
    }
}

/// Why a call has no answer; the caller knows whether bitcoind lives.
#[derive(Debug)]
pub(super) enum CallError {
    Refused(Refusal),
    TimedOut(Duration),
    Broken(Box<Error>),
}

impl CallError {
    /// The error to report when bitcoind lives.
    pub(super) fn of(self, method: &'static str) -> ChainError {
        match self {
            Self::Refused(refusal) => refusal.of(method),
            Self::TimedOut(after) => ChainError::Timeout { method, after },
            Self::Broken(source) => ChainError::Transport { method, source },
        }
    }
}

/// One kept-alive connection to one bitcoind, and the time spent waiting for it.
#[derive(Debug)]
pub(super) struct Rpc {
    client: Client,
    pub(super) waited: Duration,
}

impl Rpc {
    pub(super) fn new(port: u16, cookie: &str) -> Self {
        let url = format!("127.0.0.1:{port}");
        let transport = SimpleHttpTransport::builder()
            .url(&url)
            .expect("an address and a port are a valid URL")
            .timeout(TIMEOUT)
            .cookie_auth(cookie)
            .build();
        let client = jsonrpc::Client::with_transport(transport);
        Self { client: Client::from_jsonrpc(client), waited: Duration::ZERO }
    }

    pub(super) fn call<T: DeserializeOwned>(
        &mut self,
        method: &str,
        arguments: &[Value],
    ) -> Result<T, CallError> {
        let since = now();
        let answer = self.client.call(method, arguments);
        self.waited += since.elapsed();
        answer.map_err(classify)
    }

    /// Makes the calls in order, in as few round trips as their size allows.
    pub(super) fn batch(
        &mut self,
        calls: &[Call],
    ) -> Result<Vec<Result<Value, Refusal>>, CallError> {
        let mut answers = Vec::with_capacity(calls.len());
        let mut rest = calls;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fitting = rest.iter().take_while(|call| {
                bytes += size(call);
                bytes <= BATCH_BYTES
            });
            let (now, later) = rest.split_at(fitting.count().max(1));
            answers.append(&mut self.round_trip(now)?);
            rest = later;
        }
        Ok(answers)
    }

    fn round_trip(&mut self, calls: &[Call]) -> Result<Vec<Result<Value, Refusal>>, CallError> {
        let client = self.client.get_jsonrpc_client();
        let since = now();
        let arguments: Vec<_> = calls.iter().map(|call| to_raw_value(&call.arguments)).collect();
        let arguments = arguments.into_iter().collect::<Result<Vec<_>, _>>();
        let arguments = arguments.map_err(|error| CallError::Broken(Box::new(error.into())))?;
        let requests: Vec<Request<'_>> = calls
            .iter()
            .zip(&arguments)
            .map(|(call, arguments)| client.build_request(call.method, Some(arguments)))
            .collect();
        let answers = client.send_batch(&requests);
        self.waited += since.elapsed();
        answers
            .map_err(|error| classify(error.into()))?
            .into_iter()
            .map(|answer| match answer.map(|answer| answer.result::<Value>()) {
                None => Err(CallError::Broken(Box::new(Error::UnexpectedStructure))),
                Some(Ok(value)) => Ok(Ok(value)),
                Some(Err(jsonrpc::Error::Rpc(error))) => {
                    Ok(Err(Refusal { code: error.code, message: error.message }))
                }
                Some(Err(error)) => Err(classify(error.into())),
            })
            .collect()
    }
}

fn size(call: &Call) -> usize {
    call.arguments.iter().map(|argument| argument.as_str().map_or(16, str::len)).sum()
}

fn classify(error: Error) -> CallError {
    if let Error::JsonRpc(jsonrpc::Error::Rpc(error)) = error {
        return CallError::Refused(Refusal { code: error.code, message: error.message });
    }
    if let Error::JsonRpc(jsonrpc::Error::Transport(transport)) = &error
        && let Some(simple_http::Error::SocketError(socket)) = transport.downcast_ref()
        && matches!(socket.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
    {
        return CallError::TimedOut(2 * TIMEOUT);
    }
    CallError::Broken(Box::new(error))
}

#[allow(clippy::disallowed_methods, reason = "the harness measures how long bitcoind takes")]
pub(super) fn now() -> Instant {
    Instant::now()
}
