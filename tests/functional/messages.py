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


"""Messages between Nova's services arrive at once.

oslo.messaging's fake of a message bus looks twenty times a second for them.
"""

import threading
import time
import types

from oslo_messaging._drivers import impl_fake

_arrival = threading.Condition()


def wake_up_at_arrival():
    """End the sleep of all listeners when there is a message.

    Call this once per process.
    """
    deliver = impl_fake.FakeExchange.deliver_message

    def deliver_and_notify(*args, **kwargs):
        deliver(*args, **kwargs)
        with _arrival:
            _arrival.notify_all()

    impl_fake.FakeExchange.deliver_message = deliver_and_notify
    impl_fake.time = types.SimpleNamespace(time=time.time, sleep=_sleep)


def _sleep(seconds):
    with _arrival:
        _arrival.wait(seconds)
