"""Which earlier items an anchor may share a bin with, and what that joins."""

from typing import Any

import numba

compiled: Any = numba.njit(cache=True, nogil=True)


@compiled
def count_candidates(
    received, ready, max_wait, window, cls, cls_ok, joint_row, joint_ok, pointers
):
    """Fill ``pointers`` (n + 1) with the offsets of each anchor's candidates."""
    n = received.shape[0]
    total = 0
    for k in range(n):
        pointers[k] = total
        for i in range(k - 1, -1, -1):
            if received[k] - received[i] > window:
                break
            if _pair(i, k, ready, max_wait, cls, cls_ok, joint_row, joint_ok):
                total += 1
    pointers[n] = total


@compiled
def fill_candidates(
    received, ready, max_wait, window, cls, cls_ok, joint_row, joint_ok, pointers, out
):
    """Write each anchor's candidates, earlier items it may share with, ascending."""
    n = received.shape[0]
    for k in range(n):
        place = pointers[k + 1]
        for i in range(k - 1, -1, -1):
            if received[k] - received[i] > window:
                break
            if _pair(i, k, ready, max_wait, cls, cls_ok, joint_row, joint_ok):
                place -= 1
                out[place] = i


@compiled
def _pair(i, k, ready, max_wait, cls, cls_ok, joint_row, joint_ok):
    """Tell whether an earlier item i may share a bin with the anchor k."""
    if joint_row[i] >= 0:
        return joint_ok[joint_row[i], k] != 0
    if joint_row[k] >= 0:
        return joint_ok[joint_row[k], i] != 0
    if ready[k] - ready[i] > max_wait[i]:
        return False
    return cls_ok[cls[i], cls[k]] != 0


@compiled
def components(pointers, candidates, label):
    """Label items by connected component of the candidate relation (union-find)."""
    n = pointers.shape[0] - 1
    for i in range(n):
        label[i] = i
    for k in range(n):
        for e in range(pointers[k], pointers[k + 1]):
            a, b = k, candidates[e]
            while label[a] != a:
                label[a] = label[label[a]]
                a = label[a]
            while label[b] != b:
                label[b] = label[label[b]]
                b = label[b]
            if a < b:
                label[b] = a
            elif b < a:
                label[a] = b
    for i in range(n):
        a = i
        while label[a] != a:
            a = label[a]
        label[i] = a
