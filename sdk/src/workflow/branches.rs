//! Steps side by side. Branches are polled in their order and each at least once, so that a replay comes to the same end.

use std::future::{IntoFuture, poll_fn};
use std::task::Poll;

use futures_util::FutureExt;

use super::handle::{Branch, Handle};
use crate::error::Result;

impl Handle {
    /// Does branches side by side and gives their results in order, or the error of the first that failed; the others are then given
    /// up. Steps that end together are written down in one commit.
    ///
    /// # Errors
    /// The error of the branch that failed.
    pub async fn all<'a, T: 'a>(&self, branches: impl IntoIterator<Item = Branch<'a, T>>) -> Result<Vec<T>> {
        let mut branches: Vec<_> = branches.into_iter().map(Some).collect();
        let mut results: Vec<Option<T>> = branches.iter().map(|_| None).collect();
        let failed = poll_fn(|context| {
            let mut failed = None;
            for (branch, result) in branches.iter_mut().zip(&mut results) {
                let Some(Poll::Ready(ended)) = branch.as_mut().map(|branch| branch.as_mut().poll(context)) else {
                    continue;
                };
                *branch = None;
                match ended {
                    Ok(value) => *result = Some(value),
                    Err(error) => failed = failed.take().or(Some(error)),
                }
            }
            match failed {
                Some(error) => Poll::Ready(Some(error)),
                None if branches.iter().all(Option::is_none) => Poll::Ready(None),
                None => Poll::Pending,
            }
        })
        .await;
        match failed {
            Some(error) => Err(error),
            None => Ok(results.into_iter().flatten().collect()),
        }
    }

    /// Does two branches of different types side by side.
    ///
    /// # Errors
    /// The error of the branch that failed.
    pub async fn both<A, B>(
        &self,
        one: impl IntoFuture<Output = Result<A>, IntoFuture: Send>,
        other: impl IntoFuture<Output = Result<B>, IntoFuture: Send>,
    ) -> Result<(A, B)> {
        let (one, other) = (one.into_future().fuse(), other.into_future().fuse());
        tokio::pin!(one, other);
        let (mut first, mut second) = (None, None);
        poll_fn(|context| {
            if let Poll::Ready(ended) = one.as_mut().poll(context) {
                first = Some(ended);
            }
            if let Poll::Ready(ended) = other.as_mut().poll(context) {
                second = Some(ended);
            }
            match (first.take(), second.take()) {
                (Some(Err(error)), _) | (_, Some(Err(error))) => Poll::Ready(Err(error)),
                (Some(Ok(one)), Some(Ok(other))) => Poll::Ready(Ok((one, other))),
                (one, other) => {
                    (first, second) = (one, other);
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Does branches side by side and gives the place and the result of the first to end; the others are given up. Of those that end
    /// together the first in order wins.
    ///
    /// # Errors
    /// The error of the first to end.
    pub async fn race<'a, T: 'a>(&self, branches: impl IntoIterator<Item = Branch<'a, T>>) -> Result<(usize, T)> {
        let mut branches: Vec<_> = branches.into_iter().collect();
        let (winner, result) = poll_fn(|context| {
            let mut winner = None;
            for (place, branch) in branches.iter_mut().enumerate() {
                if let Poll::Ready(ended) = branch.as_mut().poll(context)
                    && winner.is_none()
                {
                    winner = Some((place, ended));
                }
            }
            winner.map_or(Poll::Pending, Poll::Ready)
        })
        .await;
        Ok((winner, result?))
    }
}
