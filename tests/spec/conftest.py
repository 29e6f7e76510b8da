"""A campus file that is right, line by line, for tests to break."""

from __future__ import annotations

import pytest

RIGHT = """\
gigawatt: 1
name: Test campus
owner: Tester
site:
  place: New Albany, Ohio
  country: US
  state: OH
  climate: columbus-oh
  grid: pjm
horizon:
  start: 2027-01-01
  years: 5
phases:
  - name: One
    date: 2027-01-01
    it_mw: 500 MW
    facility_mw: 600
    chips:
      - type: gb200-nvl72
        count: 100000
  - name: Two
    date: 2028-01-01
    it_mw: 1 GW
    facility_mw: 1.2 GW
    chips:
      - type: gb300-nvl72
network:
  oversubscription: 1.5
cooling:
  plant: airside-adiabatic
power:
  sources:
    - name: Turbines
      technology: combined-cycle
      capacity_mw: 300
      date: 2028-01-01
programme:
  training_share: 0.4
  training:
    - name: First
      model: llama-4-maverick
      tokens: 22 T tokens
    - name: Second
      model: llama-3.1-405b
      tokens: 15.6e12
  services:
    - name: Chat
      model: llama-4-maverick
      users: 5 million
      share: 30 %
  research:
    share: 0.2
  data_processing:
    share: 0.1
finance:
  discount_rate: 10 %
"""


@pytest.fixture(scope="session")
def right() -> str:
    return RIGHT
