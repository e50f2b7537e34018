#    Licensed under the Apache License, Version 2.0 (the "License"); you may
#    not use this file except in compliance with the License. You may obtain
#    a copy of the License at
#
#         http://www.apache.org/licenses/LICENSE-2.0
#
#    Unless required by applicable law or agreed to in writing, software
#    distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
#    WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
#    License for the specific language governing permissions and limitations
#    under the License.

"""What a benchmark found out."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Figure:
    """One measurement, beside the best that is possible on this host.

    :ivar unit: of both numbers
    :ivar here: None: it could not be measured
    :ivar best: None: there is nothing to compare with
    :ivar best_is: what the best possible is, or why it was not measured
    :ivar more_is_better: whether a larger number is better
    """

    name: str
    unit: str
    here: float | None
    best: float | None
    best_is: str
    more_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times as long it takes as the best possible."""
        if not self.here or not self.best:
            return None
        return (self.best / self.here if self.more_is_better
                else self.here / self.best)


def unmeasured(name: str, unit: str, reason: str) -> Figure:
    """Return the figure of something that could not be measured."""
    return Figure(name, unit, None, None, reason)
