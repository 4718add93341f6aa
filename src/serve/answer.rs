//! Answers: JSON, bytes that are sent as they are made, and errors with their status.

use super::Answer;
use crate::{
    contain::catch_panic,
    error::{Error, ErrorKind, Result, one_line},
};
use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_core::Stream as _;
use serde::{Serialize, de::DeserializeOwned};
use std::{future::poll_fn, pin::pin, time::Duration};
use tokio::sync::mpsc;

/// Bytes of a JSON body.
pub(super) const JSON_LIMIT: usize = 1 << 20;
/// Bytes of a picture.
pub(super) const PICTURE_LIMIT: usize = 8 << 20;
/// Bytes that are read beyond a limit, so that the sender reads the answer before the connection ends.
const DISCARDED: usize = 64 << 20;
/// Time in which a body must arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// An error as it is answered: `{"error": "...", "field": "where"}`.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    message: String,
    field: Option<&'static str>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            field: None,
        }
    }

    /// An argument that cannot be used.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// Names the field of the request that is wrong.
    pub(super) fn of(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }
}

/// The answer about a song whose file is gone.
pub(super) fn gone() -> Failure {
    Failure::new(
        StatusCode::NOT_FOUND,
        "the file of this song is gone; `circumplex analyze` brings the library up to date",
    )
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            ErrorKind::InvalidInput => StatusCode::BAD_REQUEST,
            ErrorKind::NotAudio
            | ErrorKind::Unsupported
            | ErrorKind::Empty
            | ErrorKind::Truncated
            | ErrorKind::Damaged
            | ErrorKind::Timeout => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, one_line(&error))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut error = serde_json::json!({ "error": self.message });
        if let Some(field) = self.field {
            error["field"] = field.into();
        }
        (self.status, Reply::json_text(error.to_string())).into_response()
    }
}

/// A successful answer.
pub(super) struct Reply(pub(super) Response);

impl Reply {
    /// A value as JSON.
    pub(super) fn json(value: &impl Serialize) -> Answer {
        let text = serde_json::to_vec(value).map_err(|error| {
            let message = format!("the answer cannot be written as JSON: {error}");
            Failure::new(StatusCode::INTERNAL_SERVER_ERROR, message)
        })?;
        Ok(Self::json_text(text))
    }

    /// An error whose answer gets headers.
    pub(super) fn failure(failure: Failure) -> Self {
        Self(failure.into_response())
    }

    /// JSON that is written already.
    pub(super) fn json_text(text: impl Into<Body>) -> Self {
        Self::of("application/json", text)
    }

    /// A body of a type.
    pub(super) fn of(content_type: &'static str, body: impl Into<Body>) -> Self {
        Self(Response::new(body.into())).with(header::CONTENT_TYPE, content_type)
    }

    /// JSON in several pieces, which are not copied.
    pub(super) fn json_pieces(pieces: Vec<Bytes>) -> Self {
        let length: usize = pieces.iter().map(Bytes::len).sum();
        let (sender, receiver) = mpsc::channel(pieces.len().max(1));
        for piece in pieces {
            // There is room for all.
            let _ = sender.try_send(Ok(piece));
        }
        Self::json_text(Body::from_stream(Pieces(receiver)))
            .with(header::CONTENT_LENGTH, length.to_string())
    }

    /// Sets a header.
    pub(super) fn with(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        // Values are numbers, dates and names of types, which a header can hold.
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.0.headers_mut().insert(name, value);
        }
        self
    }

    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        *self.0.status_mut() = status;
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        self.0
    }
}

/// Runs work that blocks on the pool of threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> std::result::Result<T, Failure> {
    let done = tokio::task::spawn_blocking(|| catch_panic(work)).await;
    match done {
        Ok(Ok(result)) => Ok(result?),
        Ok(Err(panic)) => Err(Error::from(panic).into()),
        // The program is ending.
        Err(_) => Err(Failure::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "circumplex is ending",
        )),
    }
}

/// The body of a request of at most `limit` bytes.
pub(super) async fn body(request: Request, limit: usize) -> std::result::Result<Vec<u8>, Failure> {
    let reading = async {
        let mut stream = pin!(request.into_body().into_data_stream());
        let mut bytes = Vec::new();
        let mut total = 0;
        while let Some(part) = poll_fn(|context| stream.as_mut().poll_next(context)).await {
            let part = part.map_err(|error| {
                Failure::invalid(format!("the body of the request broke off: {error}"))
            })?;
            total += part.len();
            if total <= limit {
                bytes.extend_from_slice(&part);
            } else if total > limit + DISCARDED {
                break;
            }
        }
        if total > limit {
            let megabytes = limit >> 20;
            return Err(Failure::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("the body is larger than {megabytes} MB; send a smaller one"),
            ));
        }
        Ok(bytes)
    };
    tokio::time::timeout(PATIENCE, reading)
        .await
        .unwrap_or_else(|_| {
            Err(Failure::new(
                StatusCode::REQUEST_TIMEOUT,
                "the body of the request did not arrive within 30 s; send it again",
            ))
        })
}

/// The body of a request as JSON.
pub(super) async fn json<T: DeserializeOwned>(request: Request) -> std::result::Result<T, Failure> {
    let bytes = body(request, JSON_LIMIT).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Failure::invalid(format!(
            "the body is not the JSON that is expected here ({error}); /api/openapi.json describes it"
        ))
    })
}

/// Bytes that are made piece by piece, and sent as fast as they are taken.
pub(super) fn streamed<S: Send + 'static>(
    mut source: S,
    next: impl Fn(&mut S) -> Result<Option<Vec<u8>>> + Send + Sync + Copy + 'static,
) -> Body {
    let (sender, pieces) = mpsc::channel::<Result<Bytes>>(1);
    tokio::spawn(async move {
        loop {
            let work = move || {
                let piece = catch_panic(|| next(&mut source))
                    .map_err(Error::from)
                    .flatten();
                (piece, source)
            };
            let Ok((piece, back)) = tokio::task::spawn_blocking(work).await else {
                return;
            };
            source = back;
            let piece = match piece.transpose() {
                None => return,
                Some(piece) => piece.map(Bytes::from),
            };
            let is_last = piece.is_err();
            // Nobody listens any more, or the rest cannot be made.
            if sender.send(piece).await.is_err() || is_last {
                return;
            }
        }
    });
    Body::from_stream(Pieces(pieces))
}

/// What a task sends, as a body.
pub(super) struct Pieces(pub(super) mpsc::Receiver<Result<Bytes>>);

impl futures_core::Stream for Pieces {
    type Item = Result<Bytes>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}
