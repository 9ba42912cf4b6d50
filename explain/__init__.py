"""Why a client has this score: exact contributions, in log-odds of repayment, and what is said of them to the client.

* `contributions`: the Shapley values of one client or of many, which sum to the log-odds of the score.
* `grouping`: the same, summed by source column, each with the feature that is quoted for it.
* `waterfall`: the way from the average client's log-odds to this client's, bar by bar.
* `standing`: where a client stands among all clients and among the accepted ones.
* `reasons`: the two to four reasons of a decision, against accepted clients (`reference`), summed by what they measure
  (`blocks`), as sentences in French or English (`sentences`, `comparison`, `usual`).
* `contribution_store`: the contributions of every client on disk, read memory-mapped. `contribution_parts` writes it,
  range by range, with `contribution_sums`; `python -m explain portfolio` is the command.
* `importance`: what drives the model over the portfolio, or over any selection of its clients.
* `local_global`: what matters for one client beside what matters for everyone.
* `neighbours`: the clients whose scores have the most similar reasons, accepted and refused.
* `typical`: the median of every feature among some clients.

Every result is frozen, with typed arrays that can't be written to, and gives its tidy table with `frame()`. Everywhere,
a contribution above zero helps the client: it raises the probability of repayment (default is the model's positive
class).

Out of scope: scoring and decisions (`models`), drawing and pages (`dashboard`), what a change would do and advice on
it, fairness measures, and any cause: a contribution says what the model used, not what makes people repay.
"""
