"""Adversarial losses and penalties: one paper, one file.

A loss is a class whose keyword-only arguments are its options, with ``d(critic, real, fake)`` and ``g(critic, real,
fake)``, both scalars that their player lowers, and where the paper asks for it ``after(net)``, called after D's step.
A penalty is called ``penalty(critic, real, fake)`` and returns a scalar already times its ``weight`` or ``gamma``;
``every`` says in how many steps it is computed once, and the game multiplies by it.

``critic(x)`` gives scores ``(B,)``, or ``(B, P)`` for patches and several heads, higher for what looks more real. The
mean over all of them is the score, here as everywhere.
"""
