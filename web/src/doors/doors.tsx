/** The forms of who is not logged in: log in, sign up, confirm, and a forgotten password. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { ApiError } from "../api/client.ts";
import type { App } from "../state/app.ts";
import { toast } from "../state/notices.ts";
import { go, route } from "../state/route.ts";
import { Problem, useAttempt } from "../ui/parts.tsx";
import { words } from "../words/index.ts";

/** A form with a title. `send` is given what was typed in, by the fields' names. */
function Door(props: {
  id: string;
  title: string;
  lead?: ComponentChildren;
  submit: string;
  send: (typed: Record<string, string>) => Promise<unknown>;
  children: ComponentChildren;
  ways: ComponentChildren;
}) {
  const form = useRef<HTMLFormElement>(null);
  const { busy, error, attempt } = useAttempt();
  useEffect(() => {
    const fields = [...form.current!.querySelectorAll("input")];
    (fields.find((field) => field.value === "") ?? fields[0])?.focus();
  }, []);
  return (
    <section class="card door" id={props.id} aria-labelledby={`${props.id}-title`}>
      <h1 id={`${props.id}-title`}>{props.title}</h1>
      {props.lead && <p class="lead">{props.lead}</p>}
      <form
        ref={form}
        method="post"
        aria-busy={busy}
        onSubmit={(event) => {
          event.preventDefault();
          const typed = Object.fromEntries(new FormData(form.current!)) as Record<string, string>;
          void attempt(() => props.send(typed));
        }}
      >
        {props.children}
        <Problem error={error} />
        <button class="main">{props.submit}</button>
      </form>
      <p class="ways">{props.ways}</p>
    </section>
  );
}

function Field(props: {
  id: string;
  name: string;
  label: string;
  type?: "email" | "password" | "text";
  value?: string;
  autocomplete: string;
  hint?: string;
  numeric?: boolean;
}) {
  const { id, label, hint, numeric, value, type = "text", ...rest } = props;
  return (
    <>
      <label for={id}>{label}</label>
      <input
        id={id}
        defaultValue={value ?? ""}
        autocapitalize="none"
        spellcheck={false}
        required
        aria-describedby={hint ? `${id}-hint` : undefined}
        inputMode={numeric ? "numeric" : undefined}
        // The types of JSX tell fields with lists of proposals from those without.
        type={type as "text"}
        {...rest}
      />
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </>
  );
}

/** A password, which its owner may want to see. */
function Password(props: { id: string; name: string; label: string; autocomplete: string; value?: string; hint?: string }) {
  const [seen, setSeen] = useState(false);
  const { login } = words.value;
  return (
    <div class="password">
      <Field {...props} type={seen ? "text" : "password"} />
      <button type="button" aria-pressed={seen} aria-controls={props.id} onClick={() => setSeen(!seen)}>
        {seen ? login.hidePassword : login.showPassword}
      </button>
    </div>
  );
}

const username = (id: string, value?: string) => (
  <Field id={id} name="username" label={words.value.login.username} autocomplete="username" value={value ?? ""} />
);

function Login({ app }: { app: App }) {
  const { login, lead } = words.value;
  const demo = app.config.demo;
  const reason = app.reason.value;
  return (
    <Door
      id="login"
      title={login.title}
      lead={reason ? <strong role="status">{login[reason]}</strong> : lead}
      submit={login.submit}
      send={async ({ username = "", password = "" }) => {
        try {
          await app.login(username, password);
        } catch (error) {
          if (error instanceof ApiError && error.status === 403) {
            // Registered, but the code from the mail has not been given yet.
            app.applicant.value = { username, password };
            go({ view: "confirm" }, true);
            return;
          }
          throw error;
        }
      }}
      ways={
        <>
          <a href="#signup">{login.toSignup}</a> <a href="#confirm">{login.toConfirm}</a>{" "}
          <a href="#forgot">{login.toForgot}</a>
        </>
      }
    >
      {username("login-username", app.applicant.value?.username ?? demo?.username)}
      <Password
        id="login-password"
        name="password"
        label={login.password}
        autocomplete="current-password"
        value={app.applicant.value ? "" : (demo?.password ?? "")}
      />
      {demo && !app.applicant.value && (
        <p id="demo" class="hint">
          {login.demo}
        </p>
      )}
    </Door>
  );
}

function Signup({ app }: { app: App }) {
  const { login, signup } = words.value;
  return (
    <Door
      id="signup"
      title={signup.title}
      lead={signup.lead}
      submit={signup.submit}
      send={async ({ username = "", password = "", email = "" }) => {
        await app.api.signup(username, password, email);
        app.applicant.value = { username, password };
        go({ view: "confirm" }, true);
      }}
      ways={<a href="#login">{login.instead}</a>}
    >
      {username("signup-username")}
      <Field id="signup-email" name="email" type="email" label={signup.email} autocomplete="email" />
      <Password id="signup-password" name="password" label={login.password} autocomplete="new-password" hint={signup.rule} />
    </Door>
  );
}

function Confirm({ app }: { app: App }) {
  const { login, confirm } = words.value;
  return (
    <Door
      id="confirm"
      title={confirm.title}
      lead={
        <>
          {confirm.lead} <Mailbox app={app} />
        </>
      }
      submit={confirm.submit}
      send={async ({ username = "", code = "" }) => {
        await app.api.confirm(username, code.trim());
        const chosen = app.applicant.value;
        if (chosen?.password && chosen.username === username) {
          await app.login(username, chosen.password);
        } else {
          app.applicant.value = { username };
          app.reason.value = "confirmed";
          go({ view: "login" }, true);
        }
      }}
      ways={
        <>
          <a href="#login">{login.instead}</a>
          <Resend app={app} />
        </>
      }
    >
      {username("confirm-username", app.applicant.value?.username)}
      <Field id="confirm-code" name="code" label={confirm.code} autocomplete="one-time-code" numeric />
    </Door>
  );
}

/** Another code, for the user who is typed in. */
function Resend({ app }: { app: App }) {
  const { confirm } = words.value;
  const { busy, error, attempt } = useAttempt();
  return (
    <>
      <button
        type="button"
        class="link"
        disabled={busy}
        onClick={() =>
          void attempt(async () => {
            const field = document.getElementById("confirm-username") as HTMLInputElement;
            if (field.reportValidity()) {
              await app.api.resend(field.value);
              toast(confirm.resent);
            }
          })
        }
      >
        {confirm.resend}
      </button>
      <Problem error={error} />
    </>
  );
}

function Forgot({ app }: { app: App }) {
  const { login, forgot } = words.value;
  return (
    <Door
      id="forgot"
      title={forgot.title}
      lead={forgot.lead}
      submit={forgot.submit}
      send={async ({ username = "" }) => {
        await app.api.forgot(username);
        app.applicant.value = { username };
        go({ view: "reset" }, true);
      }}
      ways={<a href="#login">{login.instead}</a>}
    >
      {username("forgot-username", app.applicant.value?.username)}
    </Door>
  );
}

function Reset({ app }: { app: App }) {
  const { reset, confirm, signup } = words.value;
  return (
    <Door
      id="reset"
      title={reset.title}
      lead={
        <>
          {reset.lead} <Mailbox app={app} />
        </>
      }
      submit={reset.submit}
      send={async ({ username = "", code = "", password = "" }) => {
        await app.api.reset(username, code.trim(), password);
        await app.login(username, password);
      }}
      ways={<a href="#forgot">{confirm.resend}</a>}
    >
      {username("reset-username", app.applicant.value?.username)}
      <Field id="reset-code" name="code" label={confirm.code} autocomplete="one-time-code" numeric />
      <Password
        id="reset-password"
        name="password"
        label={reset.password}
        autocomplete="new-password"
        hint={signup.rule}
      />
    </Door>
  );
}

/** Where the mail of a development machine ends. */
function Mailbox({ app }: { app: App }) {
  const { confirm } = words.value;
  const { mailbox } = app.config;
  return mailbox ? (
    <>
      {confirm.here}{" "}
      <a class="mailbox" href={mailbox} target="_blank" rel="noopener">
        {confirm.hereMailbox}
      </a>
      .
    </>
  ) : null;
}

export function Doors({ app }: { app: App }) {
  switch (route.value.view) {
    case "signup":
      return <Signup app={app} />;
    case "confirm":
      return <Confirm app={app} />;
    case "forgot":
      return <Forgot app={app} />;
    case "reset":
      return <Reset app={app} />;
    default:
      return <Login app={app} />;
  }
}
