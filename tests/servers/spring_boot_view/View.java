import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.config.ConfigDataEnvironmentPostProcessor;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.boot.env.RandomValuePropertySource;
import org.springframework.boot.json.JsonParserFactory;
import org.springframework.boot.json.JsonWriter;
import org.springframework.boot.security.oauth2.client.autoconfigure.OAuth2ClientProperties;
import org.springframework.boot.support.SpringApplicationJsonEnvironmentPostProcessor;
import org.springframework.boot.support.SystemEnvironmentPropertySourceEnvironmentPostProcessor;
import org.springframework.core.env.ConfigurablePropertyResolver;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.MutablePropertySources;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;
import org.springframework.core.io.DefaultResourceLoader;
import org.springframework.core.io.FileUrlResource;
import org.springframework.core.io.Resource;

/**
 * What Spring Boot binds from a folder and an environment, many times in one JVM.
 *
 * Reads a line {"folder": ..., "environ": {...}} and writes a line {"active": [...],
 * "registration": {id: {property: value}}, "provider": {...}}, or {"error": ...}. The folder is
 * the application's working directory; the steps are those of SpringApplication, up to the bean.
 */
public class View {

	public static void main(String[] args) throws IOException {
		PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
		JsonWriter<Map<String, Object>> writer = JsonWriter.standard();
		try (BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
			for (String line = in.readLine(); line != null; line = in.readLine()) {
				Map<String, Object> asked = JsonParserFactory.getJsonParser().parseMap(line);
				out.println(writer.writeToString(view(asked)).replace("\n", " "));
			}
		}
	}

	@SuppressWarnings("unchecked")
	private static Map<String, Object> view(Map<String, Object> asked) {
		Map<String, Object> said = new LinkedHashMap<>();
		try {
			Map<String, Object> variables = (Map<String, Object>) asked.get("environ");
			ApplicationEnvironment environment = new ApplicationEnvironment(variables);
			ConfigurationPropertySources.attach(environment);
			SpringApplication application = new SpringApplication(View.class);
			new SystemEnvironmentPropertySourceEnvironmentPostProcessor().postProcessEnvironment(environment, application);
			new SpringApplicationJsonEnvironmentPostProcessor().postProcessEnvironment(environment, application);
			RandomValuePropertySource.addToEnvironment(environment);
			ConfigDataEnvironmentPostProcessor.applyTo(environment, new Folder((String) asked.get("folder")), null);
			ConfigurationPropertySources.attach(environment);
			OAuth2ClientProperties bound = Binder.get(environment)
				.bind("spring.security.oauth2.client", OAuth2ClientProperties.class)
				.orElseGet(OAuth2ClientProperties::new);
			said.put("active", List.of(environment.getActiveProfiles()));
			said.put("registration", registrations(bound));
			said.put("provider", providers(bound));
		}
		catch (Exception | StackOverflowError error) {
			StringBuilder text = new StringBuilder();
			for (Throwable cause = error; cause != null; cause = cause.getCause()) {
				text.append(cause.getClass().getSimpleName()).append(": ").append(cause.getMessage()).append(" ");
			}
			said.clear();
			said.put("error", text.substring(0, Math.min(text.length(), 600)));
		}
		return said;
	}

	private static Map<String, Object> registrations(OAuth2ClientProperties bound) {
		Map<String, Object> tables = new TreeMap<>();
		bound.getRegistration().forEach((id, said) -> {
			Map<String, Object> table = new TreeMap<>();
			put(table, "provider", said.getProvider());
			put(table, "client-id", said.getClientId());
			put(table, "client-secret", said.getClientSecret());
			put(table, "client-authentication-method", said.getClientAuthenticationMethod());
			put(table, "authorization-grant-type", said.getAuthorizationGrantType());
			put(table, "redirect-uri", said.getRedirectUri());
			put(table, "scope", said.getScope());
			put(table, "client-name", said.getClientName());
			tables.put(id, table);
		});
		return tables;
	}

	private static Map<String, Object> providers(OAuth2ClientProperties bound) {
		Map<String, Object> tables = new TreeMap<>();
		bound.getProvider().forEach((id, said) -> {
			Map<String, Object> table = new TreeMap<>();
			put(table, "authorization-uri", said.getAuthorizationUri());
			put(table, "token-uri", said.getTokenUri());
			put(table, "user-info-uri", said.getUserInfoUri());
			put(table, "user-info-authentication-method", said.getUserInfoAuthenticationMethod());
			put(table, "user-name-attribute", said.getUserNameAttribute());
			put(table, "jwk-set-uri", said.getJwkSetUri());
			put(table, "issuer-uri", said.getIssuerUri());
			tables.put(id, table);
		});
		return tables;
	}

	private static void put(Map<String, Object> table, String name, Object value) {
		if (value instanceof Collection<?> items) {
			table.put(name, List.copyOf(items));
		}
		else if (value != null) {
			table.put(name, value);
		}
	}

	/** Boot's own environment (its class is private): profiles come from config data alone. */
	private static final class ApplicationEnvironment extends StandardEnvironment {

		ApplicationEnvironment(Map<String, Object> variables) {
			Map<String, Object> system = Map.of("user.home", "/home/java", "user.name", "java");
			getPropertySources().addLast(new MapPropertySource(SYSTEM_PROPERTIES_PROPERTY_SOURCE_NAME, system));
			getPropertySources()
				.addLast(new SystemEnvironmentPropertySource(SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME, variables));
		}

		@Override
		protected void customizePropertySources(MutablePropertySources sources) {
		}

		@Override
		protected String doGetActiveProfilesProperty() {
			return null;
		}

		@Override
		protected String doGetDefaultProfilesProperty() {
			return null;
		}

		@Override
		protected ConfigurablePropertyResolver createPropertyResolver(MutablePropertySources sources) {
			return ConfigurationPropertySources.createPropertyResolver(sources);
		}

	}

	/** Relative files are below a folder, as if the program had been started there. */
	private static final class Folder extends DefaultResourceLoader {

		private final String folder;

		Folder(String folder) {
			this.folder = folder;
		}

		@Override
		public Resource getResource(String location) {
			if (!location.startsWith("file:") || location.startsWith("file:/")) {
				return super.getResource(location);
			}
			try {
				File file = new File(this.folder, location.substring("file:".length()));
				String slash = location.endsWith("/") && !file.isDirectory() ? "/" : "";
				return new FileUrlResource(URI.create(file.toURI() + slash).toURL());
			}
			catch (IOException error) {
				throw new UncheckedIOException(error);
			}
		}

	}

}
